"""How the pictures of cameras that hang upside down or on their side must be turned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import Tensor

from localization_kit import SIZE, STANDING, PaintedDetector, plain_rig
from poseharvest.arrays import Image, ImageSize
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import CroppedView
from poseharvest.detectors.turned import QUARTER_TURNS, turn_image
from poseharvest.geometry.rig import Rig
from poseharvest.localization.find.look_again import locate
from poseharvest.localization.find.picture_turns import find_upright, possible_turns
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.skeleton import Skeleton
from turned_kit import turned_camera

VIEWS = plain_rig().names


def turned_rig(turns: Sequence[int]) -> Rig:
    """The plain rig, its pictures turned clockwise."""
    return Rig(tuple(turned_camera(camera, turn) for camera, turn in zip(plain_rig(), turns, strict=True)))  # type: ignore[arg-type]


def landscape() -> Image:
    """A picture that tells which side is up: white is the sky, and black on the left."""
    image = np.zeros((*SIZE, 3), np.uint8)
    image[: SIZE[0] // 2] = 200
    image[: SIZE[0] // 2, : SIZE[1] // 4] = 50
    image[SIZE[0] // 2 :, : SIZE[1] // 4] = 100
    return image


def corners(image: Image) -> tuple[int, ...]:
    """How bright the four corners are, which tells one turn of the landscape from another."""
    return tuple(int(image[row, column, 0]) for row in (9, -9) for column in (9, -9))


TURN_OF = {corners(turn_image(landscape(), turn)): turn for turn in QUARTER_TURNS}
PAINTED = {
    turn: PaintedDetector(turned_rig([turn] * len(VIEWS)), lambda frame, name: STANDING, (32, 32))
    for turn in QUARTER_TURNS
}


@dataclass(frozen=True, eq=False)
class UprightNetwork:
    """A network for people who stand: of a picture that is turned it knows the places and is not sure of them."""

    heatmap_size: ImageSize = (32, 32)
    name: str = field(default="upright", init=False)
    skeleton: Skeleton = field(default=MPII16, init=False)
    needs_images: bool = field(default=True, init=False)

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps."""
        return torch.stack([self._maps(view) for view in views])

    def _maps(self, view: CroppedView) -> Tensor:
        assert view.image is not None
        turn = TURN_OF[corners(view.image)]
        return PAINTED[turn].detect([view])[0] * (0.8 if turn == 0 else 0.3)


def frames_of(turns: Sequence[int]) -> list[MultiViewFrame]:
    return [MultiViewFrame(i, i / 25, tuple(turn_image(landscape(), turn) for turn in turns)) for i in (0, 5)]


def test_cameras_that_agree_on_up_are_taken_as_upright():
    assert possible_turns(plain_rig().at(0))[0] == (0, 0, 0)


@pytest.mark.parametrize("turns", [(180, 0, 0), (0, 90, 0), (0, 0, 270)])
def test_the_one_camera_that_hangs_askew_is_told_by_the_others(turns):
    assert possible_turns(turned_rig(turns).at(0))[0] == tuple(-turn % 360 for turn in turns)


@pytest.mark.parametrize("turns", [(180, 180, 180), (90, 90, 90), (90, 180, 270)])
def test_turns_that_are_right_are_among_the_possible_ones(turns):
    assert tuple(-turn % 360 for turn in turns) in possible_turns(turned_rig(turns).at(0))


@pytest.mark.parametrize(
    "turns", [(0, 0, 0), (180, 180, 180), (90, 90, 90), (270, 270, 270), (0, 180, 0), (90, 0, 0), (90, 180, 0)]
)
def test_the_network_tells_how_the_pictures_must_be_turned(turns):
    cameras = turned_rig(turns).at(0)
    found = find_upright(UprightNetwork(), frames_of(turns), cameras)
    assert (found.verdict.turns, found.verdict.is_sure) == (tuple(-turn % 360 for turn in turns), True)
    seen = locate(found.detector, frames_of(turns)[0], cameras)
    assert seen is not None
    assert float((seen.pose.points - STANDING).norm(dim=-1).max()) < 30


def test_upright_cameras_cost_no_second_look():
    """Nothing but the windows around the person is looked at turned, and the tracker's first search is remembered."""
    asked: list[CroppedView] = []

    class Counting(UprightNetwork):
        def detect(self, views: Sequence[CroppedView]) -> Tensor:
            asked.extend(views)
            return super().detect(views)

    cameras, frames = plain_rig().at(0), frames_of((0, 0, 0))
    found = find_upright(Counting(), frames, cameras)
    assert {view.frame for view in asked} == {0}
    num_turned = sum(view.image is not None and TURN_OF[corners(view.image)] != 0 for view in asked)
    assert num_turned == 3 * len(VIEWS)
    asked.clear()
    assert locate(found.detector, frames[0], cameras) is not None
    assert asked == []


def test_without_anybody_the_cameras_alone_decide():
    class Blind(UprightNetwork):
        def _maps(self, view: CroppedView) -> Tensor:
            return torch.zeros(len(MPII16), *self.heatmap_size)

    turns = (0, 180, 0)
    found = find_upright(Blind(), frames_of(turns), turned_rig(turns).at(0))
    assert (found.verdict.turns, found.verdict.is_sure) == ((0, 180, 0), False)
