"""Which camera is at fault, and how: the one explanation under which what all views show agrees best.

Every camera in turn is suspected. The joints come from the others, and the suspect is corrected as each kind of fault
allows (`camera_corrections`); two cameras may also be exchanged. All views together are then triangulated anew, and the
explanation that makes them agree best is compared with the best one of any other camera: a fault is named only if its
own camera explains much, and no other camera nearly as much. So a faulty camera that spoils the joints of all does not
make the innocent ones look guilty.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from poseharvest.diagnosis.camera_corrections import Suspect, corrections, explained_share, moved_px
from poseharvest.diagnosis.disagreement import (
    Yardstick,
    disagreement,
    distances,
    median_of_known,
    projected,
    triangulated,
    yardstick,
)
from poseharvest.diagnosis.shown_joints import Floats, ShownJoints
from poseharvest.findings import CameraFault, FaultKind
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig

MIN_VIEWS = 3
"""With fewer views nothing says which camera is at fault."""

_FEW_FRAMES = 32
_STILL_BAD = 2.5  # the suspect's mean cost after a correction that explains nothing: three usual errors
_LEAST_BETTER = 0.1  # fall of the suspect's own mean cost, for a correction that is looked at further
_LEAST_POINTS = 60
_SIMPLEST_FIRST: tuple[FaultKind, ...] = (
    "exchanged",
    "mirrored",
    "turned",
    "delay",
    "focal length",
    "lens",
    "rate",
    "place",
)
_NEARLY_AS_GOOD = 0.85  # share of the best gain with which a simpler kind is preferred
_MIN_GAIN, _MIN_GAIN_OF_TWO = 0.5, 0.9  # fall of the cost a joint of the faulty view; the joints of two views are vague
_MIN_GAIN_IN_TIME = 0.35  # detectors err to one side, which looks like a camera that was moved, never like a late one
_MIN_SHARE = 0.66  # of the joints' constant offsets that must be explained
_SHORT_FRAMES, _MIN_SHARE_SHORT = 10, 0.85  # hardly anybody moves in fewer: a detector's offsets look like a camera's
_PLAIN = 0.25  # more than any other camera's explanation gains
_MIN_MOVED_PX, _MIN_MOVED_SHARE = 3.0, 0.012  # in the picture; the share is of the person's extent
_OTHERS_APART = 0.5  # of the displacement: the others are as far from one another when the camera is put right
_FROZEN_SHARE, _SAME_SHARE = 0.02, 0.02  # somebody who stands still moves more
_FAR = 4.0  # usual errors
_UNLIKE, _LIKE = 0.6, 0.25  # shares of peaks farther than four usual errors


@dataclass(frozen=True, eq=False)
class _Explanation:
    """A correction and what it gains.

    Attributes:
        views: numbers of the cameras that it changes.
        kind: what would be wrong.
        gain: fall of the mean cost over all views.
        moved_px: how far it moves the person in the picture, pixels.
        text: in words.
        share: of the joints' constant offsets, what a change of the camera explains.
        late_frames: by how many frames its pictures are behind, where that is what is wrong.
        camera: the corrected one, where the calibration is what is wrong.
    """

    views: tuple[int, ...]
    kind: FaultKind
    gain: float
    moved_px: float
    text: str
    share: float = 1.0
    late_frames: float = 0.0
    camera: Camera | None = None


def find_fault(
    cameras: Sequence[Camera],
    shown: ShownJoints,
    frame_rate: float,
    mirrored_joints: Sequence[int],
    on_suspect: Callable[[str], None] | None = None,
) -> CameraFault | None:
    """Return the fault of a camera that explains what the views show; None if there is none, or none that is certain.

    Args:
        cameras: V cameras.
        shown: what they show of one person. Frames in a row show delays.
        frame_rate: frames per second.
        mirrored_joints: (J,) for each joint the one of the other side of the body.
        on_suspect: is called with the name of each camera before it is suspected, which takes a while.
    """
    if len(cameras) < MIN_VIEWS:
        return None
    measure = yardstick(cameras, shown.few(_FEW_FRAMES))
    if measure is None:
        return None
    mirrored = np.asarray(mirrored_joints, dtype=np.int64)
    suspects = [_suspect(cameras, shown, view, measure, frame_rate, mirrored) for view in range(len(cameras))]
    if not any(_apart_px(suspect) > _least_moved_px(suspect) for suspect in suspects):
        return None
    return (
        _same_pictures(cameras, suspects)
        or _frozen(suspects)
        or _best_explanation(cameras, suspects, on_suspect or (lambda name: None))
        or _unlike_the_others(cameras, suspects)
    )


def far_shares(cameras: Sequence[Camera], shown: ShownJoints) -> Floats:
    """Return (V,) share of each view's joints that are far from where most views see them; NaN if it shows none.

    Args:
        cameras: V cameras.
        shown: what they show of one person.
    """
    some = shown.few(_FEW_FRAMES)
    measure = yardstick(cameras, some)
    if measure is None:
        return np.full(len(cameras), np.nan)
    points = triangulated(cameras, some, _FAR * float(np.median(measure.error_px)))
    apart = [_usual_errors_apart(camera, points, some, view, measure) for view, camera in enumerate(cameras)]
    return np.asarray([(one > _FAR).mean() if len(one) else np.nan for one in apart])


def _usual_errors_apart(camera: Camera, points: Floats, shown: ShownJoints, view: int, measure: Yardstick) -> Floats:
    """Return (N,) the known distances of what a view shows from joints (T, J, 3), in usual errors of its detector."""
    apart = distances(camera, points, shown.pixels[view]) / measure.error_px[view]
    known: Floats = apart[np.isfinite(apart)]
    return known


def still_cameras(rig: Rig) -> tuple[Camera, ...]:
    """Return the cameras that `find_fault` can judge: all of a rig's; none if one moves, or if they are too few."""
    cameras = tuple(camera for camera in rig if isinstance(camera, Camera))
    return cameras if len(cameras) == len(rig) >= MIN_VIEWS else ()


def _suspect(
    cameras: Sequence[Camera],
    shown: ShownJoints,
    view: int,
    measure: Yardstick,
    frame_rate: float,
    mirrored: NDArray[np.int64],
) -> Suspect:
    rest = [other for other in range(len(cameras)) if other != view]
    others = ShownJoints(shown.frames, shown.pixels[rest])
    points = triangulated([cameras[other] for other in rest], others, _FAR * float(np.median(measure.error_px[rest])))
    return Suspect(view, cameras[view], shown, points, measure, frame_rate, mirrored)


def _apart_px(suspect: Suspect) -> float:
    """Return the median distance of what a view shows from the joints of the others, pixels; infinite if unknown."""
    apart = np.linalg.norm(suspect.expected - suspect.pixels, axis=-1)
    return median_of_known(apart, default=math.inf)


def _least_moved_px(suspect: Suspect) -> float:
    """Return how far a fault must move the person in the picture to be named, pixels."""
    return max(_MIN_MOVED_PX, _MIN_MOVED_SHARE * float(suspect.measure.extent_px[suspect.view]))


def _best_explanation(
    cameras: Sequence[Camera], suspects: Sequence[Suspect], on_suspect: Callable[[str], None]
) -> CameraFault | None:
    """Return the explanation that gains most, in its simplest form, if it gains much more than any other camera's."""
    before = disagreement(cameras, suspects[0].shown.few(_FEW_FRAMES), suspects[0].measure)
    found: list[_Explanation] = []
    for suspect in suspects:
        on_suspect(suspect.camera.name)
        found += _explanations(cameras, suspect, before)
    found += _exchanges(cameras, suspects, before)
    best = max(found, key=lambda one: one.gain, default=None)
    if best is None or best.gain <= 0:
        return None
    rival = max((one.gain for one in found if not set(one.views) & set(best.views)), default=0.0)
    a_joint = len(cameras) / len(best.views)  # the cost is a mean over the joints of all views
    is_plain = (best.gain - max(rival, 0.0)) * a_joint > _PLAIN
    least = _MIN_GAIN_IN_TIME if best.kind == "delay" else _MIN_GAIN if len(cameras) > MIN_VIEWS else _MIN_GAIN_OF_TWO
    least_share = _MIN_SHARE_SHORT if len(suspects[0].shown.frames) < _SHORT_FRAMES else _MIN_SHARE
    if best.gain * a_joint < least or best.share < least_share:
        return None
    if best.moved_px < max(_least_moved_px(suspects[view]) for view in best.views):
        return None
    likewise = [one for one in found if one.views == best.views and one.gain >= _NEARLY_AS_GOOD * best.gain]
    best = min(likewise, key=lambda one: _SIMPLEST_FIRST.index(one.kind))
    names = tuple(cameras[view].name for view in best.views)
    fault = CameraFault(names, best.kind, best.moved_px, best.text, names, is_plain, late_frames=best.late_frames)
    others_px = _others_apart_px(cameras, suspects, best)
    if others_px <= _OTHERS_APART * best.moved_px:
        return fault
    return replace(fault, is_plain=False, others_px=others_px)


def _others_apart_px(cameras: Sequence[Camera], suspects: Sequence[Suspect], best: _Explanation) -> float:
    """Return by how much a view of another camera lies beside what the rest say, once a camera is put right, pixels.

    The errors of a detector differ from joint to joint. A camera that is wrong too is off to one side with all of them.
    """
    if best.camera is None or len(cameras) <= MIN_VIEWS:
        return 0.0
    right = [best.camera if view in best.views else camera for view, camera in enumerate(cameras)]
    shifts = []
    for suspect in suspects:
        if suspect.view not in best.views:
            one = _suspect(
                right, suspect.shown, suspect.view, suspect.measure, suspect.frame_rate, suspect.mirrored_joints
            )
            shifts.append(_shift_px(one))
    return max(shifts, default=0.0)


def _shift_px(suspect: Suspect) -> float:
    """Return by how much all joints of a view lie to one side of where the others say, pixels; 0 if unknown."""
    off = suspect.pixels - suspect.expected
    offsets = [np.median(of[known], axis=0) for of in off.swapaxes(0, 1) if (known := np.isfinite(of).all(-1)).any()]
    return float(np.linalg.norm(np.median(offsets, axis=0))) if offsets else 0.0


def _explanations(cameras: Sequence[Camera], suspect: Suspect, before: Floats) -> Iterator[_Explanation]:
    """Yield what each kind of fault of one camera would explain; kinds that are far from fitting are left out."""
    now = suspect.cost(suspect.camera, suspect.pixels)
    for one in corrections(suspect):
        if suspect.cost(one.camera, one.pixels) > min(now - _LEAST_BETTER, _STILL_BAD):
            continue
        changed = [one.camera if view == suspect.view else camera for view, camera in enumerate(cameras)]
        gain = _gain(changed, suspect.shown.with_view(suspect.view, one.pixels), suspect.measure, before)
        share = 1.0 if one.camera is suspect.camera else explained_share(suspect, one)
        moved = moved_px(suspect, one)
        camera = None if one.camera is suspect.camera else one.camera
        yield _Explanation((suspect.view,), one.kind, gain, moved, one.text, share, one.late_frames, camera)


def _exchanges(cameras: Sequence[Camera], suspects: Sequence[Suspect], before: Floats) -> Iterator[_Explanation]:
    """Yield what each exchange of two cameras would explain."""
    shown = suspects[0].shown
    for first, second in combinations(range(len(cameras)), 2):
        if len(cameras) > MIN_VIEWS and not (
            _fits_better(suspects[first], suspects[second]) and _fits_better(suspects[second], suspects[first])
        ):
            continue
        exchanged = shown.with_exchanged(first, second)
        gain = _gain(cameras, exchanged, suspects[0].measure, before)
        moved = np.linalg.norm(exchanged.pixels[first] - shown.pixels[first], axis=-1)
        text = "their calibrations, or their footage, are exchanged"
        yield _Explanation((first, second), "exchanged", gain, median_of_known(moved, default=0.0), text)


def _fits_better(suspect: Suspect, other: Suspect) -> bool:
    """Return whether what another view shows fits a camera better than what its own view shows."""
    return suspect.cost(suspect.camera, other.pixels) < suspect.cost(suspect.camera, suspect.pixels) - _LEAST_BETTER


def _gain(cameras: Sequence[Camera], shown: ShownJoints, measure: Yardstick, before: Floats) -> float:
    """Return the fall of the mean cost, over the joints that both costs know."""
    after = disagreement(cameras, shown.few(_FEW_FRAMES), measure)
    both = np.isfinite(before) & np.isfinite(after)
    return float((before - after)[both].mean()) if both.sum() >= _LEAST_POINTS else 0.0


def _same_pictures(cameras: Sequence[Camera], suspects: Sequence[Suspect]) -> CameraFault | None:
    """Return the fault of two views that show the same picture; the one that fits the others worse is wrong."""
    for one, other in combinations(suspects, 2):
        apart = np.linalg.norm(one.pixels - other.pixels, axis=-1)
        known = np.isfinite(apart)
        extent = one.measure.extent_px[one.view]
        if known.sum() < _LEAST_POINTS or np.quantile(apart[known], 0.75) > _SAME_SHARE * extent:
            continue
        if cameras[one.view].px_from_cam.equal(cameras[other.view].px_from_cam) and bool(
            (cameras[one.view].center - cameras[other.view].center).norm() < 1
        ):
            continue  # two views of one camera
        rest = {suspect.view: _without(cameras, suspect) for suspect in (one, other)}
        wrong = min((one, other), key=lambda suspect: rest[suspect.view])
        names = tuple(cameras[suspect.view].name for suspect in (one, other))
        moved = float(np.nanmedian(distances(wrong.camera, wrong.points, wrong.pixels)))
        text = "they show the same pictures: one has the other's footage, or its keypoints"
        return CameraFault(names, "same pictures", moved, text, (cameras[wrong.view].name,))
    return None


def _without(cameras: Sequence[Camera], suspect: Suspect) -> float:
    """Return the mean cost of the other cameras among themselves."""
    rest = [view for view in range(len(cameras)) if view != suspect.view]
    shown = ShownJoints(suspect.shown.frames, suspect.shown.pixels[rest])
    measure = Yardstick(suspect.measure.error_px[rest], suspect.measure.extent_px[rest])
    return float(np.nanmean(disagreement([cameras[view] for view in rest], shown, measure)))


def _frozen(suspects: Sequence[Suspect]) -> CameraFault | None:
    """Return the fault of a view whose joints do not move although those of the others do."""
    for one in suspects:
        expected = projected(one.camera, one.points)
        should, does = (np.linalg.norm(pixels - _first_known(pixels), axis=-1) for pixels in (expected, one.pixels))
        both = np.isfinite(should) & np.isfinite(does)
        if both.sum() < _LEAST_POINTS:
            continue
        moved = float(np.quantile(should[both], 0.75))
        if moved > 2 * _least_moved_px(one) and np.quantile(does[both], 0.75) < _FROZEN_SHARE * moved:
            name = (one.camera.name,)
            return CameraFault(name, "frozen", moved, "its picture stands still while the person moves", name)
    return None


def _first_known(pixels: Floats) -> Floats:
    """Return (1, J, 2) the first known pixel of each joint of (T, J, 2)."""
    first = np.isfinite(pixels).all(-1).argmax(0)
    known: Floats = pixels[first, np.arange(pixels.shape[1])]
    return known[None]


def _unlike_the_others(cameras: Sequence[Camera], suspects: Sequence[Suspect]) -> CameraFault | None:
    """Return the fault of a view that does not fit the others, whatever is corrected, while they fit one another."""
    for one in suspects:
        far = _usual_errors_apart(one.camera, one.points, one.shown, one.view, one.measure)
        if len(far) < _LEAST_POINTS or (far > _FAR).mean() < _UNLIKE:
            continue
        among = [
            _usual_errors_apart(other.camera, one.points, other.shown, other.view, other.measure)
            for other in suspects
            if other is not one
        ]
        if all(len(each) >= _LEAST_POINTS and (each > _FAR).mean() < _LIKE for each in among):
            name = (cameras[one.view].name,)
            text = "it does not show the person where the others see them, and no single change of it explains that"
            return CameraFault(name, "unlike", float(np.median(far) * one.measure.error_px[one.view]), text, name)
    return None
