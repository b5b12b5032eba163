"""The film that a harvest makes on its way shows the frames of the footage, also after an interruption."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from poseharvest.annotations import film as film_module
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.capture.frames import FrameSource, MultiViewFrame
from poseharvest.errors import ConfigError
from poseharvest.harvesting.film_of_job import film_of_job
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.job import Job
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.progress import Progress
from poseharvest.simulation import REALISTIC, Simulation, simulate
from spread_kit import WorkersHere
from walker_kit import coded, read_code

NUM_FRAMES = 36
OPTIONS = HarvestOptions(
    inference=InferenceOptions(resolution=16),
    estimate="grid",
    warm_up_frames=6,
    num_previews=1,
    film_px=96,
    start=2,
)


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


class Coded:
    """A capture whose pictures hold the number of their frame and view."""

    def __init__(self, capture: FrameSource) -> None:
        self.capture = capture

    def __getattr__(self, name: str) -> Any:
        if name == "capture" or name.startswith("__"):  # while it is unpickled
            raise AttributeError(name)
        return getattr(self.capture, name)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        for frame in self.capture.frames(start, stop):
            yield replace(frame, images=tuple(coded(frame.index, view) for view in range(len(frame.images))))


@pytest.fixture(scope="module")
def walk() -> Simulation:
    """A person before four cameras, with coded pictures."""
    made = simulate(NUM_FRAMES, 3, errors=REALISTIC, render=False)
    return made._replace(capture=Coded(made.capture))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of poses and of the film end at different frames."""
    monkeypatch.setitem(HarvestWriter.__init__.__kwdefaults__, "records_per_part", 7)
    monkeypatch.setattr(film_module, "PICTURES_PER_PART", 11)


@pytest.fixture
def undisturbed(walk: Simulation, tmp_path: Path) -> Harvest:
    return harvest(walk.capture, walk.detector, tmp_path / "undisturbed", options=OPTIONS)


def files(folder: Path, kinds: tuple[str, ...] = ("annotations", "frames", "film")) -> dict[str, bytes]:
    paths = sorted(path for kind in kinds for path in (folder / kind).rglob("*"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def dying(at: int) -> Callable[[Progress], None]:
    calls = iter(range(at))

    def listen(_: Progress) -> None:
        if next(calls, None) is None:
            raise Killed

    return listen


def test_its_pictures_are_those_of_the_footage(undisturbed: Harvest) -> None:
    film = undisturbed.info.film
    assert film is not None
    assert film.frames == range(2, NUM_FRAMES)
    shown = []
    for part in undisturbed.film_parts():
        with av.open(str(part)) as container:
            shown += [picture.to_ndarray(format="rgb24") for picture in container.decode(video=0)]
    assert len(shown) == 34
    for frame, picture in zip(film.frames, shown, strict=True):
        for view, tile in enumerate(film.tiles):
            in_tile = picture[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]
            assert read_code(in_tile) == (frame, view)


@pytest.mark.slow
@pytest.mark.parametrize("at", [12, 22, 31])
def test_after_an_interruption_it_is_the_same(walk: Simulation, undisturbed: Harvest, tmp_path: Path, at: int) -> None:
    with pytest.raises(Killed):
        harvest(walk.capture, walk.detector, tmp_path / "h", options=OPTIONS, on_progress=dying(at))
    made = harvest(walk.capture, walk.detector, tmp_path / "h", options=OPTIONS, resume=True)
    assert files(made.path) == files(undisturbed.path)
    assert made.info.film == undisturbed.info.film


def test_workers_make_the_same_film(walk: Simulation, undisturbed: Harvest, tmp_path: Path) -> None:
    workers = WorkersHere(most_pending=3)
    made = harvest(walk.capture, walk.detector, tmp_path / "h", options=OPTIONS, workers=workers)
    assert files(made.path, ("film",)) == files(undisturbed.path, ("film",))


@pytest.mark.slow
def test_moments_and_several_people_have_films(walk: Simulation, tmp_path: Path) -> None:
    """The same one, since it is that of the frames."""
    made = {}
    for name, changes in (("moments", {"moments": True}), ("people", {"people": None})):
        made[name] = harvest(walk.capture, walk.detector, tmp_path / name, options=replace(OPTIONS, stop=15, **changes))
    assert made["moments"].info.film == made["people"].info.film
    assert made["moments"].info.film.frames == range(2, 15)
    assert files(made["moments"].path, ("film",)) == files(made["people"].path, ("film",))


def test_the_poses_are_those_without_a_film(walk: Simulation, undisturbed: Harvest, tmp_path: Path) -> None:
    made = harvest(walk.capture, walk.detector, tmp_path / "h", options=replace(OPTIONS, film_px=0))
    assert made.info.film is None
    assert not (made.path / "film").exists()
    assert files(made.path) == files(undisturbed.path, ("annotations", "frames"))


def test_who_asks_for_no_pictures_gets_no_film(walk: Simulation, tmp_path: Path) -> None:
    options = replace(OPTIONS, film_px=None, num_previews=0)
    made = harvest(walk.capture, walk.detector, tmp_path / "h", options=options)
    assert not [path for path in made.path.rglob("*") if path.suffix in {".mp4", ".jpg"}]


def test_by_default_a_network_keeps_a_film_and_keypoints_keep_none(walk: Simulation) -> None:
    class Looking:
        """A detector that looks at pictures."""

        needs_images = True

    options = HarvestOptions()
    job = Job(walk.capture, walk.detector, options, None, None, lambda _: None)
    assert film_of_job(job) is None
    film = film_of_job(replace(job, detector=Looking()))  # type: ignore[arg-type]
    assert film is not None
    assert max(film.tiles[0].width, film.tiles[0].height) == 320
    assert film_of_job(replace(job, detector=Looking(), options=HarvestOptions(num_previews=0))) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"film_px": 20}, "film_px: expected 0, or 64 to 1280 pixels, got 20"),
        ({"film_px": 320, "num_previews": 0}, "film_px: expected no film where no pictures are kept"),
    ],
)
def test_wrong_options_are_named(options: dict[str, int], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        HarvestOptions(**options)
