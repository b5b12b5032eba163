"""Cameras that are wrong as a whole: out of step with the others, or with mirrored pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import numpy as np

from poseharvest.boards.board import Board
from poseharvest.rig_calibration.board_poses import BoardPose, find_pose
from poseharvest.rig_calibration.camera_pairs import Pair, Poses, compare_pair
from poseharvest.rig_calibration.lenses import Lens
from poseharvest.rig_calibration.sightings import Sightings, mirrored

MAX_DELAY = 8
"""Delays up to so many looks (frames, or every second, third ... one) are looked for."""

_CLEARLY_BETTER = 0.6  # the share of the median distance that is left once the fault is taken back
_MIN_MOMENTS = 6
_AGREEING = 0.6  # share of moments that agree once a fault is taken back
_LEAST_PX = 1.0  # of median distance: less is no fault


@dataclass(frozen=True)
class WholeFault:
    """What is wrong with all pictures of a camera.

    Attributes:
        view: index of the camera.
        is_mirrored: its pictures are mirrored.
        delay: frames by which its pictures are late.
        partner: with two cameras alone either may be the one; the index of the other.
        before_px: median distance between where two cameras see the board, as filmed, pixels.
        after_px: the same once the delay is taken back.
    """

    view: int
    is_mirrored: bool = False
    delay: int = 0
    partner: int | None = None
    before_px: float = float("nan")
    after_px: float = float("nan")


@dataclass(frozen=True)
class _Delay:
    """By how many frames a pair's second camera is late, and the median distances without and with it, pixels."""

    frames: int
    before_px: float
    after_px: float

    @property
    def turned(self) -> _Delay:
        """The same of the pair in the other order."""
        return replace(self, frames=-self.frames)


def describe(fault: WholeFault, names: Sequence[str]) -> str:
    """Return what is wrong with a camera and what to do, in one line; `names` are those of all cameras."""
    name = names[fault.view]
    which = "" if fault.partner is None else f' (or camera "{names[fault.partner]}" the other way round)'
    if fault.is_mirrored:
        return f'camera "{name}"{which}: its pictures are mirrored: film or convert them without mirroring'
    count = abs(fault.delay)
    frames = f"{count} frame{'s' if count > 1 else ''} {'late' if fault.delay > 0 else 'early'}"
    gain = f"by that, cameras differ by {fault.after_px:.1f} px on where the board is, now by {fault.before_px:.1f} px"
    remedy = f'{name} = "{-fault.delay} frames" under [offsets] in capture.toml'
    return f'camera "{name}"{which}: its pictures are {frames}: say {remedy} ({gain})'


def poses_by_view(sightings: Sightings, lenses: Sequence[Lens]) -> list[dict[int, BoardPose]]:
    """Return the poses of the board before every camera, by frame."""
    poses: list[dict[int, BoardPose]] = [{} for _ in sightings.views]
    for one in sightings.found:
        pose = find_pose(sightings.board, one.corners, lenses[one.view])
        if pose is not None:
            poses[one.view][one.frame] = pose
    return poses


def all_pairs(board: Board, poses: Sequence[Poses], lenses: Sequence[Lens]) -> list[Pair]:
    """Return how the cameras of every pair that shares moments stand to each other."""
    pairs = [
        compare_pair(board, (a, b), (poses[a], poses[b]), lenses[a]) for a, b in combinations(range(len(poses)), 2)
    ]
    return [pair for pair in pairs if pair is not None]


def find_delays(
    board: Board, poses: Sequence[Poses], lenses: Sequence[Lens], pairs: Sequence[Pair], stride: int
) -> list[WholeFault]:
    """Return the cameras that are late or early by whole looks.

    A pair's delay is the one with which its moments agree best, if clearly better than without. A camera is blamed
    whose delays to most of the others are one number; of two cameras alone, either may be the one.
    """
    delays = {}
    for pair in pairs:
        a, b = pair.views
        found = _pair_delay(pair, partial(_compared, board, pair.views, (poses[a], poses[b]), lenses[a]), stride)
        delays[a, b], delays[b, a] = found, found.turned
    faults: list[WholeFault] = []
    left = set(range(len(poses)))
    while True:
        of_view = {view: [delays[other, view] for other in left if (other, view) in delays] for view in left}
        wrong = {view: sum(delay.frames != 0 for delay in found) for view, found in of_view.items()}
        worst = max(sorted(wrong), key=lambda view: wrong[view], default=None)
        if worst is None or not wrong[worst]:
            return faults
        late = [delay for delay in of_view[worst] if delay.frames]
        others = [other for other in left if (other, worst) in delays and delays[other, worst].frames]
        partner = others[0] if len(others) == 1 and wrong[others[0]] == 1 else None
        before, after = (float(np.median([getattr(one, name) for one in late])) for name in ("before_px", "after_px"))
        frames = int(np.median([one.frames for one in late]))
        faults.append(WholeFault(worst, delay=frames, partner=partner, before_px=before, after_px=after))
        left.remove(worst)


def _compared(board: Board, views: tuple[int, int], poses: tuple[Poses, Poses], lens: Lens, delay: int) -> Pair | None:
    return compare_pair(board, views, poses, lens, delay=delay)


def _pair_delay(pair: Pair, at: Callable[[int], Pair | None], stride: int) -> _Delay:
    none = _Delay(0, pair.median_px, pair.median_px)
    if pair.num_shared < _MIN_MOMENTS or pair.median_px < _LEAST_PX:
        return none
    delayed = {step * stride: at(step * stride) for step in range(-MAX_DELAY, MAX_DELAY + 1) if step}
    enough = {
        delay: other
        for delay, other in delayed.items()
        if other is not None and other.num_shared >= max(_MIN_MOMENTS, pair.num_shared // 2)
    }
    if not enough:
        return none
    delay = min(enough, key=lambda one: (enough[one].median_px, abs(one)))
    best = enough[delay]
    is_better = best.median_px < _CLEARLY_BETTER * pair.median_px and best.share >= max(_AGREEING, pair.share)
    return _Delay(delay, pair.median_px, best.median_px) if is_better else none


def find_mirrored(sightings: Sightings, poses: Sequence[Poses], lenses: Sequence[Lens]) -> list[WholeFault]:
    """Return the cameras whose pictures fit those of the others only if they are mirrored.

    A ChArUco board in a mirrored picture is not found at all; the chessboard is, so this looks at chessboards.
    """
    board = sightings.board
    if board.kind == "charuco":
        return []
    gains = {}
    for view in range(len(poses)):
        turned = mirrored(sightings, view)
        turned = replace(turned, found=turned.of_view(view))
        back = poses_by_view(turned, lenses)[view]
        before, after = (
            _agreement(board, [*poses[:view], own, *poses[view + 1 :]], lenses, view) for own in (poses[view], back)
        )
        if after >= _AGREEING and after > 2 * before:
            gains[view] = after
    if not gains:
        return []
    view = max(gains, key=lambda one: gains[one])
    partner = next((other for other in gains if other != view), None) if len(poses) == 2 else None
    return [WholeFault(view, is_mirrored=True, partner=partner)]


def _agreement(board: Board, poses: Sequence[Poses], lenses: Sequence[Lens], view: int) -> float:
    """Return the share of moments in which a camera agrees with others, over all its pairs."""
    pairs = [
        compare_pair(board, (view, other), (poses[view], poses[other]), lenses[view])
        for other in range(len(poses))
        if other != view
    ]
    enough = [pair for pair in pairs if pair is not None and pair.num_shared >= _MIN_MOMENTS]
    shared = sum(pair.num_shared for pair in enough)
    return sum(pair.num_agreeing for pair in enough) / shared if shared else 0.0
