"""What a person should know of cameras that were placed by people: what is wrong, weak, or guessed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poseharvest.findings import Finding, worst_first
from poseharvest.people_calibration.joint_sightings import Floats
from poseharvest.people_calibration.one_body import BodySightings
from poseharvest.people_calibration.reprojection import reprojection_of
from poseharvest.people_calibration.solve_people import PeopleCalibration

_ERROR_SHARE, _WARNING_SHARE = 0.05, 0.02  # median error over the extent of the body in the picture
_USED_WARNING = 0.75  # share of detections that take part
_PLACE_WARNING, _PLACE_ERROR = 0.02, 0.1  # standard deviation of a place over its distance to the body
_FOCAL_ERROR = 0.1  # standard deviation over the focal length
_LEAST_VIEWS_OF_GUESSES = 3
_LEAST_WALK = 0.5  # of the body's height: somebody who moves less stands in one place
_ONE_LINE_DEG = 8.0
_LEAST_MOMENTS = 30


@dataclass(frozen=True)
class ViewSummary:
    """One placed camera.

    Attributes:
        name: of the camera.
        num_used: detections that took part.
        used_share: of all detections of the body.
        mean_px: mean distance of those that took part to the projected joints, pixels.
        median_px: their median distance.
        error_share: the median over the extent of the body in the picture.
    """

    name: str
    num_used: int
    used_share: float
    mean_px: float
    median_px: float
    error_share: float


def summarize_views(result: PeopleCalibration) -> tuple[ViewSummary, ...]:
    """Return a summary of every placed camera, in the order of the result."""
    return tuple(_summary(result, number) for number in range(len(result.views)))


def _summary(result: PeopleCalibration, number: int) -> ViewSummary:
    adjusted = result.adjusted
    used = adjusted.evidence.used[number] & np.isfinite(adjusted.errors_px[number])
    errors = adjusted.errors_px[number][used]
    median_px = float(np.median(errors)) if len(errors) else float("nan")
    return ViewSummary(
        name=result.rig.names[number],
        num_used=int(used.sum()),
        used_share=float(used.sum() / max(1, adjusted.body.shown[number].sum())),
        mean_px=float(errors.mean()) if len(errors) else float("nan"),
        median_px=median_px,
        error_share=median_px / float(adjusted.body.usual_extents_px[number]),
    )


def judge_people(result: PeopleCalibration, *, has_guessed_lenses: bool, asked_world: str) -> tuple[Finding, ...]:
    """Return the findings on a calibration from people, worst first.

    Args:
        result: the calibration.
        has_guessed_lenses: nobody gave the lenses.
        asked_world: the world that was asked for, "camera" or "person".
    """
    findings = [_of_missing(result, view) for view in range(len(result.sightings.views)) if view not in result.views]
    for number, summary in enumerate(summarize_views(result)):
        findings += _of_errors(summary)
        findings += _of_place(result, number)
        findings += _of_focal(result, number) if has_guessed_lenses else []
    findings.append(Finding("note", "reprojection", reprojection_of(result).in_words))
    return worst_first([*findings, *_of_geometry(result), *_of_scale(result), *_of_world(result, asked_world)])


def _of_missing(result: PeopleCalibration, view: int) -> Finding:
    names = result.sightings.views
    shared = {pair.views: pair for pair in result.pairs if view in pair.views}
    best = max(shared.values(), key=lambda pair: pair.num_agreeing, default=None)
    if best is None:
        why = "it shares too few joints of a person with any other camera: film people where their views overlap"
    else:
        other = names[next(one for one in best.views if one != view)]
        rival = ", or with another pose of the camera as well" if best.is_ambiguous else ""
        why = (
            f'of {best.num_shared} joints that it shares with "{other}", {best.num_agreeing} agree{rival}: is it in '
            "step, is its lens right, and do both show the same person?"
        )
    return Finding("error", f"camera {names[view]}", f'camera "{names[view]}" is not placed: {why}')


def _of_errors(summary: ViewSummary) -> list[Finding]:
    topic = f"camera {summary.name}"
    message = (
        f'camera "{summary.name}": joints are {summary.median_px:.1f} px (median) and {summary.mean_px:.1f} px (mean) '
        f"from where they should be, {100 * summary.error_share:.1f} % of the person's size; "
        f"{100 * summary.used_share:.0f} % of the detections took part"
    )
    if summary.error_share > _WARNING_SHARE or summary.used_share < _USED_WARNING:
        severity = "error" if summary.error_share > _ERROR_SHARE else "warning"
        advice = ": are the cameras in step, are the lenses right, and does the detector fit the footage?"
        return [Finding(severity, topic, message + advice)]  # type: ignore[arg-type]
    return [Finding("note", topic, message)]


def _of_place(result: PeopleCalibration, number: int) -> list[Finding]:
    if not number:
        return []
    place = np.linalg.inv(result.adjusted.state.cams_from_world[number])[:3, 3]
    distance = float(np.nanmedian(np.linalg.norm(result.adjusted.state.points - place, axis=-1)))
    share = float(result.deviations.place_mm[number]) / distance
    if share <= _PLACE_WARNING:
        return []
    name = result.rig.names[number]
    message = (
        f'camera "{name}": its place is known to {100 * share:.0f} % of its distance to the person (one standard '
        "deviation): film people in more places that it shares with other cameras"
    )
    return [Finding("error" if share > _PLACE_ERROR else "warning", f"camera {name}", message)]


def _of_focal(result: PeopleCalibration, number: int) -> list[Finding]:
    name, lens = result.rig.names[number], result.adjusted.state.lenses[number]
    share = float(result.deviations.focal_px[number] / lens.values[0])
    message = (
        f'camera "{name}": its lens is guessed: focal length {lens.values[0]:.0f} px by the people (one standard '
        f"deviation {100 * share:.1f} %), no distortion, principal point in the middle: give a calibrated lens with "
        "--intrinsics"
    )
    # Two cameras explain what they see with nearly any focal length, if its depth is chosen with it.
    is_unknown = share > _FOCAL_ERROR or len(result.views) < _LEAST_VIEWS_OF_GUESSES
    return [Finding("error" if is_unknown else "warning", f"camera {name}", message)]


def _of_geometry(result: PeopleCalibration) -> list[Finding]:
    findings = []
    points = result.adjusted.state.points
    if len(points) < _LEAST_MOMENTS:
        message = f"the cameras rest on {len(points)} moments: film people for longer"
        findings.append(Finding("warning", "people", message))
    middles = np.nanmedian(points, axis=1)
    middles = middles[np.isfinite(middles).all(1)]
    low, high = np.quantile(middles, (0.05, 0.95), axis=0)
    stature_mm = float(np.nanmedian(_extents(points)))
    walk = float(np.linalg.norm(high - low))
    if walk < _LEAST_WALK * stature_mm:
        message = (
            f"the person stands in one place (moves by {walk * result.scale.factor:.0f} mm): the cameras are known "
            "around that place, and less so elsewhere: film somebody who walks through the whole space"
        )
        findings.append(Finding("warning", "people", message))
    return findings + _of_angles(result, np.median(middles, axis=0))


def _extents(points: Floats) -> Floats:
    low = np.where(np.isfinite(points), points, np.inf).min(1)
    high = np.where(np.isfinite(points), points, -np.inf).max(1)
    size = np.linalg.norm(high - low, axis=-1)
    return np.where(np.isfinite(size), size, np.nan)


def _of_angles(result: PeopleCalibration, middle: Floats) -> list[Finding]:
    """Return a finding for each camera that sees the person along the line of every camera that it is linked with."""
    places = np.linalg.inv(result.adjusted.state.cams_from_world)[:, :3, 3]
    sights = (places - middle) / np.linalg.norm(places - middle, axis=1, keepdims=True)
    findings = []
    for number, name in enumerate(result.rig.names):
        others = [
            other for other in range(len(places)) if other != number and _linked(result.adjusted.body, number, other)
        ]
        if not others:
            continue
        angles = np.degrees(np.arccos(np.clip(sights[others] @ sights[number], -1, 1)))
        from_line = np.minimum(angles, 180 - angles)
        if from_line.max() < _ONE_LINE_DEG:
            partner = result.rig.names[others[int(from_line.argmax())]]
            message = (
                f'camera "{name}" and "{partner}" see the person along nearly one line (within {from_line.max():.0f} '
                "degrees): depth along it is hardly known: let a third camera look from the side"
            )
            findings.append(Finding("warning", f"camera {name}", message))
    return findings


def _linked(body: BodySightings, one: int, other: int) -> bool:
    return bool((body.shown[one] & body.shown[other]).any())


def _of_scale(result: PeopleCalibration) -> list[Finding]:
    scale = result.scale
    if scale.is_guessed:
        message = f"{scale.text}, so distances may be wrong by 10 % or more: give --height, --limb or --camera-distance"
        return [Finding("warning", "scale", message)]
    advice = "" if scale.share else ": pictures cannot show if that is wrong"
    return [Finding("note", "scale", scale.text + advice)]


def _of_world(result: PeopleCalibration, asked_world: str) -> list[Finding]:
    findings = [Finding("note", "world", result.world.text)]
    if asked_world != "person":
        return findings
    if result.standing is None:
        message = "nobody stands upright, legs straight, in five moments: the world is a camera's (--world person)"
        findings.append(Finding("warning", "world", message))
    elif result.standing.is_weak:
        message = (
            f"up and floor rest on {result.standing.num_moments} moments in which the person stands, and on a body "
            f"that leans by {result.standing.lean_deg:.0f} degrees to and fro: let somebody stand upright for seconds"
        )
        findings.append(Finding("warning", "world", message))
    return findings
