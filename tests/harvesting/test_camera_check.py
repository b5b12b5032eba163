"""A camera plainly at fault is left out: the harvest is that of the others, also when it was interrupted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from localization_kit import empty_frame
from people_kit import ListedPeople
from poseharvest.annotations.reader import Harvest
from poseharvest.capture.fewer_views import FewerViews
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.diagnosis.shown_joints import ShownJoints
from poseharvest.diagnosis.verdict import verdict_of
from poseharvest.findings import CameraFault
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.harvesting.camera_check import confirmed_by_pictures, is_between_pictures, is_perhaps_another_person
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.job import Job
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.progress import Progress
from poseharvest.simulation import DetectorErrors, Simulation, random_rig, simulate
from walker_kit import walker_rig, walking_pose

OPTIONS = HarvestOptions(inference=InferenceOptions(resolution=16), warm_up_frames=32, num_previews=2)
WRONG = 2


def turned(camera: Any, angle_rad: float) -> Camera:
    """Return a camera turned about its upright axis, at its place."""
    cos, sin = math.cos(angle_rad), math.sin(angle_rad)
    rotation = torch.tensor([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]).double() @ camera.rotation
    return replace(camera, rotation=rotation, translation=-(rotation @ camera.center))


class Miscalibrated:
    """A capture whose calibration has one camera turned by 6 degrees."""

    def __init__(self, capture: Any) -> None:
        self._capture = capture
        cameras = [camera for camera in capture.rig if isinstance(camera, Camera)]
        cameras[WRONG] = turned(cameras[WRONG], 0.1)
        self.rig = Rig(tuple(cameras))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._capture, name)


@pytest.fixture(scope="module")
def walk() -> Simulation:
    """A person before five cameras, seen with errors."""
    rig = random_rig(5, torch.Generator().manual_seed(2))
    return simulate(48, 3, rig=rig, errors=DetectorErrors(), render=False)


@pytest.fixture(scope="module")
def wrong(walk: Simulation) -> Miscalibrated:
    return Miscalibrated(walk.capture)


@pytest.fixture(scope="module")
def left_out(walk: Simulation, wrong: Miscalibrated, tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    return harvest(wrong, walk.detector, tmp_path_factory.mktemp("left") / "h", options=OPTIONS)


def poses(made: Harvest) -> np.ndarray:
    return np.stack([row.mean for row in made.iter_frames()])


def test_it_is_the_harvest_of_the_others(walk: Simulation, wrong: Miscalibrated, left_out: Harvest, tmp_path: Path):
    name = wrong.rig.names[WRONG]
    (fault,) = left_out.info.camera_faults
    assert (fault.views, fault.kind, fault.is_left_out) == ((name,), "place", True)
    assert name not in left_out.view_names
    assert left_out.info.findings[0] == fault.finding
    assert verdict_of(left_out).sentence.startswith(f"Look first: camera {name}: {fault.text}; left out: ")
    others = harvest(FewerViews(walk.capture, [name]), walk.detector, tmp_path / "others", options=OPTIONS)
    np.testing.assert_array_equal(poses(left_out), poses(others))
    assert others.info.camera_faults == ()


def test_an_interrupted_one_is_gone_on_with_without_the_camera(
    walk: Simulation, wrong: Miscalibrated, left_out: Harvest, tmp_path: Path
):
    def die(progress: Progress) -> None:
        if progress.stage == "harvesting" and progress.done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        harvest(wrong, walk.detector, tmp_path / "h", options=OPTIONS, on_progress=die)
    again = harvest(wrong, walk.detector, tmp_path / "h", options=OPTIONS, resume=True)
    np.testing.assert_array_equal(poses(again), poses(left_out))
    assert again.info.camera_faults == left_out.info.camera_faults
    assert again.info.findings == left_out.info.findings
    assert again.info.request_sha256 == left_out.info.request_sha256


def test_every_camera_may_be_kept(walk: Simulation, wrong: Miscalibrated, tmp_path: Path):
    kept = harvest(wrong, walk.detector, tmp_path / "h", options=replace(OPTIONS, keep_cameras=True))
    (fault,) = kept.info.camera_faults
    assert (fault.views, fault.is_left_out) == ((wrong.rig.names[WRONG],), False)
    assert kept.view_names == wrong.rig.names
    assert kept.info.findings[0].severity == "error"
    assert verdict_of(kept).sentence.startswith(f"Wrong: camera {wrong.rig.names[WRONG]}: {fault.text}")


class EmptyFootage:
    """Frames without pictures."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.num_frames, self.frame_rate, self.name = rig, 20, 30.0, "empty"

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        return (empty_frame(index, self.rig) for index in range(start, self.num_frames if stop is None else stop))


class Pictures:
    """Footage of one view; `picture(n)` is its picture of frame n."""

    def __init__(self, rig: Rig, picture: Callable[[int], np.ndarray]) -> None:
        self.rig, self.picture, self.num_frames, self.frame_rate, self.name = rig, picture, 60, 30.0, "pictures"

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        for index in range(start, self.num_frames if stop is None else stop):
            images = tuple(self.picture(index) for _ in self.rig)
            yield MultiViewFrame(index, index / self.frame_rate, images)


def scene(shift: int) -> np.ndarray:
    """A picture of smooth stripes that move."""
    stripes = 120 + 90 * np.sin((np.arange(160) + shift) / 9)
    return np.broadcast_to(stripes[None, :, None], (120, 160, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("picture", "kind"),
    [
        (lambda n: scene(0), "frozen"),
        (lambda n: np.random.default_rng(n).integers(0, 255, (120, 160, 3)).astype(np.uint8), "unlike"),
        (scene, None),
    ],
    ids=["stands still", "noise", "a scene"],
)
def test_a_view_that_fits_nothing_is_at_fault_only_if_its_pictures_say_so(walk: Simulation, picture, kind):
    """A view may also show somebody else, who stands still or moves."""
    rig = walk.capture.rig
    job = Job(Pictures(rig, picture), walk.detector, OPTIONS, None, None, lambda _: None)
    name = (rig.names[1],)
    found = confirmed_by_pictures(job, CameraFault(name, "unlike", 80.0, "it fits nothing", name))
    assert (None if found is None else found.kind) == kind


@pytest.mark.parametrize("num_people", [1, 2])
def test_where_views_see_several_people_no_camera_is_blamed_for_one(num_people: int):
    """The last camera is turned, so that it fits nobody; three others see one person, or two."""
    rig, standing = walker_rig(), torch.from_numpy(walking_pose(0.0)).double()
    people = [standing, standing + torch.tensor([-700.0, 900.0, 0.0]).double()][:num_people]
    source = ListedPeople(rig, lambda _frame, _view: people)
    wrong = Rig((*tuple(rig)[:-1], turned(tuple(rig)[-1], 0.1)))
    job = Job(EmptyFootage(wrong), source, OPTIONS, None, None, lambda _: None)
    seen = np.stack([[camera.project(standing).pixels.numpy()] * 20 for camera in rig])
    name = (rig.names[-1],)
    fault = CameraFault(name, "place", 60.0, "it was moved", name)
    cameras = tuple(camera for camera in wrong if isinstance(camera, Camera))
    assert is_perhaps_another_person(job, cameras, ShownJoints(np.arange(20), seen), fault) == (num_people > 1)


def test_fewer_views_have_the_frames_of_the_others(walk: Simulation):
    capture = walk.capture
    fewer = FewerViews(capture, [capture.rig.names[1]])
    assert fewer.rig.names == tuple(name for name in capture.rig.names if name != capture.rig.names[1])
    assert [one.view for one in fewer.view_pictures] == list(fewer.rig.names)
    for whole, part in zip(capture.frames(3, 6), fewer.frames(3, 6), strict=True):
        assert (part.index, part.time_s) == (whole.index, whole.time_s)
        kept = [number for number in range(len(capture.rig)) if number != 1]
        assert [part.number(view) for view in range(len(kept))] == [whole.number(number) for number in kept]
        assert len(part.images) == len(kept)


LATE = CameraFault(("b",), "delay", 4.0, "its pictures are behind", ("b",), late_frames=0.75)


@pytest.mark.parametrize(
    ("fault", "lags_s", "is_explained"),
    [
        (LATE, {"a": 0.01, "b": -0.012, "c": 0.01}, True),  # by 0.66 frames
        (LATE, {"a": 0.0, "b": 0.0, "c": 0.0}, False),
        (LATE, {"a": -0.01, "b": 0.012, "c": -0.01}, False),  # the other way
        (LATE, {}, False),
        (LATE, {"b": -0.02}, False),
        (replace(LATE, late_frames=2.0), {"a": 0.01, "b": -0.012, "c": 0.01}, False),
        (replace(LATE, kind="place"), {"a": 0.01, "b": -0.012, "c": 0.01}, False),
        (replace(LATE, views=("a", "b")), {"a": 0.01, "b": -0.012, "c": 0.01}, False),
    ],
)
def test_pictures_between_frames_are_no_fault_of_a_camera(fault, lags_s, is_explained):
    assert is_between_pictures(fault, lags_s, 30.0) == is_explained
