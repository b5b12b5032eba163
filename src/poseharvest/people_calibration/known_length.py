"""The scale of cameras that were placed by people alone: from a length that somebody measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poseharvest.errors import CalibrationError
from poseharvest.people_calibration.joint_bundle import BodyState
from poseharvest.people_calibration.one_body import USUAL_STATURE_MM
from poseharvest.skeleton.proportions import MAX_STATURE_MM, MIN_STATURE_MM, fit_body
from poseharvest.skeleton.skeleton import Skeleton

_HEIGHT_SHARE = 0.04  # by which people of one height have longer or shorter limbs
_LEAST_SIDE_MM = 1.0


@dataclass(frozen=True)
class KnownLength:
    """A measured length; at most one of the three.

    Attributes:
        height_mm: of the person, who stands upright without shoes: from the floor to the top of the head.
        limb_mm: the length of a limb by its name, `parent-child`, between the joints as the detector sees them.
        cameras_mm: the distance between the lenses of two cameras, by both names.

    Raises:
        CalibrationError: more than one is given, or a length is impossible.
    """

    height_mm: float | None = None
    limb_mm: tuple[str, float] | None = None
    cameras_mm: tuple[str, str, float] | None = None

    def __post_init__(self) -> None:
        names = [name for name in ("height_mm", "limb_mm", "cameras_mm") if getattr(self, name) is not None]
        if len(names) > 1:
            raise CalibrationError(f"scale: expected one measured length, got {' and '.join(names)}")
        if self.height_mm is not None and not MIN_STATURE_MM <= self.height_mm <= MAX_STATURE_MM:
            raise CalibrationError(
                f"height: expected the height of a person, {MIN_STATURE_MM:.0f} to {MAX_STATURE_MM:.0f} mm, got "
                f"{self.height_mm:g}"
            )
        length_mm = (self.limb_mm or self.cameras_mm or (_LEAST_SIDE_MM,))[-1]
        if not (isinstance(length_mm, float | int) and length_mm >= _LEAST_SIDE_MM):
            raise CalibrationError(f"scale: expected a length of 1 mm or more, got {length_mm}")

    def check_names(self, skeleton: Skeleton, views: tuple[str, ...]) -> None:
        """Check that the limb or the cameras exist.

        Raises:
            CalibrationError: they do not; the message lists the known names.
        """
        if self.limb_mm is not None:
            _limb_number(skeleton, self.limb_mm[0])
        if self.cameras_mm is not None:
            names = self.cameras_mm[:2]
            if names[0] == names[1] or any(name not in views for name in names):
                raise CalibrationError(
                    f"camera_distance: expected two cameras of {', '.join(views)}, got {' and '.join(names)}"
                )


@dataclass(frozen=True)
class Scale:
    """By what all lengths are multiplied.

    Attributes:
        factor: of all lengths.
        text: how it was found, in words.
        is_guessed: nobody measured anything.
        share: standard deviation of the factor over it, as far as it is known to come from the kind of measurement.
    """

    factor: float
    text: str
    is_guessed: bool
    share: float


def find_scale(state: BodyState, views: tuple[str, ...], skeleton: Skeleton, known: KnownLength) -> Scale:
    """Return the scale of an adjusted state, whose lengths are those of a usual adult.

    Args:
        state: the adjusted cameras and limbs.
        views: names of its cameras.
        skeleton: the joints.
        known: what was measured.

    Raises:
        CalibrationError: the camera was not placed, or the limb was never seen.
    """
    if known.limb_mm is not None:
        name, length_mm = known.limb_mm
        found_mm = _both_sides_mm(state, skeleton, _limb_number(skeleton, name))
        if not np.isfinite(found_mm):
            raise CalibrationError(f'limb: expected a limb that two cameras see, got "{name}": give another one')
        return Scale(length_mm / found_mm, f"all lengths rest on {name} of {length_mm:g} mm", False, 0.0)
    if known.cameras_mm is not None:
        first, second, length_mm = known.cameras_mm
        missing = [name for name in (first, second) if name not in views]
        if missing:
            raise CalibrationError(
                f'camera_distance: camera "{missing[0]}" could not be placed: measure another distance'
            )
        places = np.linalg.inv(state.cams_from_world)[:, :3, 3]
        found_mm = float(np.linalg.norm(places[views.index(first)] - places[views.index(second)]))
        return Scale(length_mm / found_mm, f"all lengths rest on {length_mm:g} mm from {first} to {second}", False, 0.0)
    stature_mm = _stature_mm(state, skeleton)
    wanted_mm = known.height_mm or USUAL_STATURE_MM
    if known.height_mm is None:
        text = f"no length is known: all lengths are those of a person of {wanted_mm:.0f} mm"
        return Scale(wanted_mm / stature_mm, text, True, _HEIGHT_SHARE)
    text = (
        f"all lengths rest on a height of {wanted_mm:g} mm and the usual proportions of the limbs, which is right to "
        f"about {100 * _HEIGHT_SHARE:.0f} %"
    )
    return Scale(wanted_mm / stature_mm, text, False, _HEIGHT_SHARE)


def _stature_mm(state: BodyState, skeleton: Skeleton) -> float:
    """Return the stature that fits the limbs; that of the assumed adult if too few limbs are known."""
    lengths = zip(skeleton.limbs, map(float, state.lengths_mm), strict=True)
    fit = fit_body({limb: length for limb, length in lengths if np.isfinite(length)})
    return USUAL_STATURE_MM if fit is None else fit.stature_mm


def _both_sides_mm(state: BodyState, skeleton: Skeleton, number: int) -> float:
    """Return the mean length of a limb and of the same limb of the other side; NaN if neither was ever seen."""
    other = {a: b for pair in skeleton.flip_pairs for a, b in (pair, pair[::-1])}
    limb = skeleton.limbs[number]
    ends = {other.get(limb.parent, limb.parent), other.get(limb.child, limb.child)}
    alike = [one for one, candidate in enumerate(skeleton.limbs) if {candidate.parent, candidate.child} == ends]
    lengths = state.lengths_mm[[number, *alike]]
    known = lengths[np.isfinite(lengths)]
    return float(known.mean()) if len(known) else float("nan")


def _limb_number(skeleton: Skeleton, name: str) -> int:
    ends = set(name.split("-"))
    for number, limb in enumerate(skeleton.limbs):
        if ends == {limb.parent, limb.child}:
            return number
    known = ", ".join(limb.name for limb in skeleton.limbs)
    raise CalibrationError(f'limb: expected one of {known}, got "{name}"')
