"""An interrupted harvest of several people ends as if nothing had happened, whoever was there when it ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from localization_kit import STANDING, plain_rig
from people_kit import ListedPeople
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.progress import Progress
from poseharvest.simulation.crowd import CrowdCapture

NUM_FRAMES = 45
RIG = plain_rig()
OPTIONS = HarvestOptions(
    inference=InferenceOptions(resolution=16), warm_up_frames=9, num_previews=0, people=None, moments=False
)
WITH_TIME = ("harvest.json", "SHA256SUMS")


def crowd(frame: int, view: str) -> list[Tensor]:
    """Somebody who stays, one who leaves, one who comes and passes near the first, each seen with errors."""
    present = {0: True, 1: frame < 25, 2: frame >= 14}
    places = {0: (0.0, 0.0), 1: (900.0, 400.0), 2: (-900.0 + 40.0 * (frame - 14), 500.0)}
    people = []
    for person in (person for person, is_here in present.items() if is_here):
        generator = torch.Generator().manual_seed(1000 * frame + 10 * person + len(view) + ord(view[-1]))
        place = torch.tensor([*places[person], 0.0], dtype=torch.float64)
        noise = torch.randn(STANDING.shape, generator=generator, dtype=torch.float64) * 6
        people.append((0.9 + 0.05 * person) * STANDING + place + noise)
    return people


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


def dying(at: int | None) -> Callable[[Progress], None]:
    """A listener that dies at a call before the last frame is done; what follows it is done again in any case."""
    calls = iter(range(10**6 if at is None else at))

    def listen(progress: Progress) -> None:
        if progress.done < progress.total and next(calls, None) is None:
            raise Killed

    return listen


def go_on(out: Path, at: int | None = None) -> Harvest | None:
    """Harvest with `resume`, and die at a call of the listener; None if it died."""
    try:
        return harvest(
            CrowdCapture(RIG, NUM_FRAMES),
            ListedPeople(RIG, crowd),
            out,
            options=OPTIONS,
            resume=True,
            on_progress=dying(at),
        )
    except Killed:
        return None


def contents(folder: Path) -> dict[str, bytes]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in WITH_TIME]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is finished every five records."""
    monkeypatch.setitem(HarvestWriter.__init__.__kwdefaults__, "records_per_part", 5)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(HarvestWriter.__init__.__kwdefaults__, "records_per_part", 5)
        done = go_on(tmp_path_factory.mktemp("u") / "h")
    assert done is not None
    assert [(one.first_frame, one.last_frame) for one in done.info.people] == [(0, 44), (0, 24), (14, 44)]
    return done


def assert_same(made: Harvest, wanted: Harvest) -> None:
    assert contents(made.path) == contents(wanted.path)
    assert made.info.model_dump(exclude={"created"}) == wanted.info.model_dump(exclude={"created"})


@pytest.mark.parametrize("at", [20, 34])
def test_one_death(at: int, undisturbed: Harvest, tmp_path: Path) -> None:
    """While two wait for nothing, and while the third waits for their body."""
    assert go_on(tmp_path / "h", at) is None
    assert (next(tmp_path.glob(".h.partial-*")) / "unfinished.json").is_file()
    done = go_on(tmp_path / "h")
    assert done is not None
    assert_same(done, undisturbed)
    assert [path.name for path in tmp_path.iterdir()] == ["h"]


@pytest.mark.slow
@pytest.mark.long
def test_a_death_after_every_few_frames(undisturbed: Harvest, tmp_path: Path) -> None:
    """A run gets on if it lives for longer than somebody who has left is waited for: a second, 25 frames."""
    done, deaths = None, 0
    while done is None:
        done = go_on(tmp_path / "h", 28)
        deaths += 1
        assert deaths < 20
    assert deaths > 2
    assert_same(done, undisturbed)
