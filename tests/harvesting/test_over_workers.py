"""A harvest in chunks is that of a single process, and one that is interrupted goes on either way."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.errors import ConfigError
from poseharvest.harvesting.chunks import cut_into_chunks
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.job import Job
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.simulation import REALISTIC, Simulation, simulate
from poseharvest.simulation.crowd import simulate_crowd
from spread_kit import WorkersHere, largest_difference_mm

NUM_FRAMES = 36
OPTIONS = HarvestOptions(inference=InferenceOptions(resolution=16), estimate="grid", warm_up_frames=6, num_previews=3)
WITH_TIME = ("harvest.json", "SHA256SUMS")


@pytest.fixture(scope="module")
def walk() -> Simulation:
    """A person before four cameras, seen with errors and sometimes not at all."""
    return simulate(NUM_FRAMES, 3, errors=REALISTIC, render=True)


@pytest.fixture(scope="module")
def at_once(walk: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The harvest of a single process."""
    return harvest(walk.capture, walk.detector, tmp_path_factory.mktemp("one") / "h", options=OPTIONS).path


@pytest.fixture
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is finished every seven records, so that it ends within a chunk and a batch."""
    monkeypatch.setitem(HarvestWriter.__init__.__kwdefaults__, "records_per_part", 7)


def contents(folder: Path) -> dict[str, bytes]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.name not in WITH_TIME}


def assert_same(made: Path, wanted: Path) -> None:
    """All files but those with the time, and what the record says beside it."""
    assert contents(made) == contents(wanted)
    ours, theirs = (Harvest.open(path).info.model_dump(exclude={"created"}) for path in (made, wanted))
    assert ours == theirs


ANOTHER = [pytest.mark.slow, pytest.mark.long]


@pytest.mark.parametrize("most_pending", [3, pytest.param(1, marks=ANOTHER)])
def test_chunks_make_the_harvest_of_a_single_process(
    walk: Simulation, at_once: Path, tmp_path: Path, most_pending: int
) -> None:
    """To the last bit, pictures for the report included: the person is in every frame."""
    workers = WorkersHere(most_pending=most_pending)
    made = harvest(walk.capture, walk.detector, tmp_path / "h", options=OPTIONS, workers=workers)
    assert workers.chunks == [range(16), range(16, 32), range(32, NUM_FRAMES)]
    assert len(list((made.path / "previews").rglob("*.jpg"))) == 3 * 4
    assert_same(made.path, at_once)


def test_where_the_person_is_missing_only_rounding_differs(tmp_path: Path) -> None:
    """Then batches of inference begin elsewhere."""
    crowd = simulate_crowd(2, 35, num_views=3, seed=4)
    options = replace(OPTIONS, num_previews=0, start=3)
    one = harvest(crowd.capture, crowd.keypoints, tmp_path / "one", options=options).path
    workers = WorkersHere()
    spread = harvest(crowd.capture, crowd.keypoints, tmp_path / "spread", options=options, workers=workers).path
    assert workers.chunks == [range(3, 19), range(19, 35)]
    assert largest_difference_mm(one, spread) < 1e-3


@pytest.mark.parametrize("goes_on", [lambda: None, pytest.param(WorkersHere, marks=ANOTHER)])
def test_an_interrupted_harvest_goes_on_with_workers_and_without(
    walk: Simulation,
    at_once: Path,
    tmp_path: Path,
    short_parts: None,
    goes_on: Callable[[], WorkersHere | None],
) -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        harvest(
            walk.capture,
            walk.detector,
            tmp_path / "h",
            options=OPTIONS,
            workers=WorkersHere(dies_at=32, most_pending=2),
        )
    assert any("go on with --resume" in note for note in caught.value.__notes__)
    workers = goes_on()
    made = harvest(walk.capture, walk.detector, tmp_path / "h", options=OPTIONS, resume=True, workers=workers)
    assert largest_difference_mm(made.path, at_once) == 0
    if workers is not None:
        assert workers.chunks == [range(16, 32), range(32, NUM_FRAMES)]  # nothing of the first chunk is made again


def test_what_is_sent_to_workers_sees_the_same(walk: Simulation) -> None:
    walk.capture.scene.points(5)  # something is cached
    scene = pickle.loads(pickle.dumps(walk.capture.scene))
    assert scene.points(7).equal(walk.capture.scene.points(7))


@pytest.mark.parametrize(
    ("options", "kind"),
    [(HarvestOptions(people=2), "several people"), (HarvestOptions(moments=True), "moments")],
)
def test_what_cannot_be_spread_is_refused_by_name(
    walk: Simulation, tmp_path: Path, options: HarvestOptions, kind: str
) -> None:
    with pytest.raises(ConfigError, match=f"--ray: a harvest of {kind} cannot be spread over workers"):
        harvest(walk.capture, walk.detector, tmp_path / "h", options=options, workers=WorkersHere())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("first", [5, 6, 29, 36])
def test_borders_do_not_depend_on_where_a_harvest_goes_on(walk: Simulation, first: int) -> None:
    capture = replace(walk.capture, scene=replace(walk.capture.scene, frame_rate=50.0))
    job = Job(capture, walk.detector, HarvestOptions(start=5), None, None, lambda _: None)
    assert job.frames_together == 3  # no divisor of a batch
    whole = {chunk.stop for chunk in cut_into_chunks(job, 5, 10)}
    rest = list(cut_into_chunks(job, first, 10))
    assert {chunk.stop for chunk in rest} <= whole
    assert sum(map(len, rest)) == max(0, NUM_FRAMES - first)
    assert not rest or (rest[0].start, rest[-1].stop) == (first, NUM_FRAMES)
