"""An interrupted harvest of moments goes on where it was, and ends as if nothing had happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.errors import ConfigError
from poseharvest.harvesting import separate_moments
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.progress import Progress
from poseharvest.simulation.crowd import CrowdKeypoints, CrowdSimulation, simulate_crowd

NUM_FRAMES = 14
ORDER = tuple(np.random.default_rng(3).permutation(NUM_FRAMES).tolist())
WITH_TIME = ("harvest.json", "SHA256SUMS")


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@dataclass(frozen=True, eq=False)
class Shuffled(CrowdKeypoints):
    """Keypoints whose frames come in another order; in two of them nobody is."""

    def people(self, view: str, frame: int) -> list[Tensor]:
        return [] if frame in {4, 5} else super().people(view, ORDER[frame])


@pytest.fixture(scope="module")
def crowd() -> CrowdSimulation:
    return simulate_crowd(3, NUM_FRAMES, num_views=3)


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is finished every five records, so that it ends within a moment of three people."""
    monkeypatch.setitem(HarvestWriter.__init__.__kwdefaults__, "records_per_part", 5)


def options(estimate: str = "continuous") -> HarvestOptions:
    inference = InferenceOptions(resolution=16)
    return HarvestOptions(people=None, num_previews=0, estimate=estimate, inference=inference, moments=True)


def dying(frames: int | None) -> Callable[[Progress], None]:
    """A listener that dies when so many frames are done, in their first process or a later one."""

    def listen(progress: Progress) -> None:
        if frames is not None and progress.done >= frames:
            raise Killed

    return listen


def go_on(crowd: CrowdSimulation, out: Path, die_at: int | None = None, estimate: str = "continuous") -> Harvest | None:
    """Harvest with `resume`, and die when some frames are done; None if it died."""
    detector = Shuffled(crowd.detector, crowd.keypoints.rig)
    try:
        return harvest(crowd.capture, detector, out, options=options(estimate), resume=True, on_progress=dying(die_at))
    except Killed:
        return None


def contents(folder: Path) -> dict[str, bytes]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in WITH_TIME]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def assert_same(made: Harvest | None, wanted: Harvest | None) -> None:
    assert made is not None
    assert wanted is not None
    assert contents(made.path) == contents(wanted.path)
    assert made.info.model_dump(exclude={"created"}) == wanted.info.model_dump(exclude={"created"})


@pytest.fixture(scope="module")
def undisturbed(crowd: CrowdSimulation, tmp_path_factory: pytest.TempPathFactory) -> Harvest | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(HarvestWriter.__init__.__kwdefaults__, "records_per_part", 5)
        return go_on(crowd, tmp_path_factory.mktemp("u") / "h")


@pytest.mark.parametrize("frames", [1, 3, 9, NUM_FRAMES])
def test_one_death(crowd: CrowdSimulation, undisturbed: Harvest, tmp_path: Path, frames: int) -> None:
    """Before the first part is finished, behind it, behind frames in which nobody is, and after the last frame."""
    out = tmp_path / "h"
    assert go_on(crowd, out, frames) is None
    assert not out.exists()
    assert_same(go_on(crowd, out), undisturbed)
    assert [path.name for path in tmp_path.iterdir()] == ["h"]


def test_many_deaths_without_the_refinement(crowd: CrowdSimulation, tmp_path: Path) -> None:
    wanted = go_on(crowd, tmp_path / "whole" / "h", estimate="grid")
    for frames in range(2, NUM_FRAMES, 3):
        assert go_on(crowd, tmp_path / "h", frames, "grid") is None
    assert_same(go_on(crowd, tmp_path / "h", estimate="grid"), wanted)


def test_what_is_finished_is_not_looked_at_again(
    crowd: CrowdSimulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the bodies are learned again nor the first frames seen: the stage holds them."""
    assert go_on(crowd, tmp_path / "h", 9) is None
    looked_at: list[int] = []
    find_people = separate_moments.MomentFinder.find_people

    def note(self, frame):
        looked_at.append(frame.index)
        return find_people(self, frame)

    monkeypatch.setattr(separate_moments.MomentFinder, "find_people", note)
    assert go_on(crowd, tmp_path / "h") is not None
    assert looked_at == list(range(looked_at[0], NUM_FRAMES))
    assert 6 <= looked_at[0] <= 9


def test_other_options_are_refused(crowd: CrowdSimulation, tmp_path: Path) -> None:
    assert go_on(crowd, tmp_path / "h", 9) is None
    with pytest.raises(ConfigError, match="was begun with options estimate continuous, asked for is grid"):
        go_on(crowd, tmp_path / "h", estimate="grid")
