"""What a person should know of a calibration: what is wrong, what is weak, and what to film again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseharvest.boards.board import Floats
from poseharvest.findings import Finding, Severity, worst_first
from poseharvest.rig_calibration.adjustment_rounds import Adjusted, Fit
from poseharvest.rig_calibration.bundle import Precision
from poseharvest.rig_calibration.camera_pairs import Pair, is_connected
from poseharvest.rig_calibration.lenses import coverage
from poseharvest.rig_calibration.sightings import Sightings
from poseharvest.rig_calibration.whole_cameras import WholeFault, describe
from poseharvest.rig_calibration.world import World

_FOCAL_WARNING, _FOCAL_ERROR = 0.005, 0.03  # standard deviation over focal length
_ERROR_PX, _WARNING_PX = 3.0, 1.0  # root mean square error of a camera, pixels at 1280 columns
_PLACE_WARNING = 0.005  # standard deviation of a place over the distance to the first camera
_LEFT_OUT_WARNING, _LEFT_OUT_ERROR = 0.2, 0.5  # share of a camera's pictures
_COVERED_WARNING = 0.35
_FEW_PICTURES, _FEW_SHARED = 10, 8
_FLAT_DEG = 15.0
_WIDE_DEG = 90.0
_SCALE_WARNING = 0.01
_NAMED_PICTURES = 5


@dataclass(frozen=True, eq=False)
class CameraSummary:
    """One camera of the result.

    Attributes:
        name: of the camera.
        num_seen: pictures in which the board was found.
        num_used: pictures that took part in the adjustment.
        left_out: pictures that were left out.
        error_px: root mean square error of the corners that took part, pixels; NaN without any.
        coverage: (R, C) number of corners in each cell of the picture.
        largest_tilt_deg: largest angle between the board and the picture's plane.
    """

    name: str
    num_seen: int
    num_used: int
    left_out: tuple[Fit, ...]
    error_px: float
    coverage: NDArray[np.int64]
    largest_tilt_deg: float

    @property
    def covered(self) -> float:
        """Share of the cells with corners."""
        return float((self.coverage > 0).mean())


def summarize(sightings: Sightings, adjusted: Adjusted) -> tuple[CameraSummary, ...]:
    """Return a summary of every camera, in the order of the result."""
    return tuple(_summary(sightings, adjusted, number) for number in range(len(adjusted.views)))


def _summary(sightings: Sightings, adjusted: Adjusted, number: int) -> CameraSummary:
    view = adjusted.views[number]
    fits = [fit for fit in adjusted.fits if fit.sighting.view == view]
    used = [fit for fit in fits if fit.reason is None]
    errors = [fit.errors_px[fit.used] for fit in used]
    return CameraSummary(
        name=sightings.views[view],
        num_seen=len(sightings.of_view(view)),
        num_used=len(used),
        left_out=tuple(fit for fit in fits if fit.reason is not None),
        error_px=float(np.sqrt(np.mean(np.concatenate(errors) ** 2) * 2)) if errors else float("nan"),
        coverage=coverage([fit.sighting.corners for fit in used], sightings.image_sizes[view]),
        largest_tilt_deg=max((_tilt_deg(adjusted, number, fit) for fit in used), default=0.0),
    )


def _tilt_deg(adjusted: Adjusted, number: int, fit: Fit) -> float:
    """Return the angle between the board and the plane of the picture, degrees."""
    moment = adjusted.frames.index(fit.sighting.frame)
    pose: Floats = adjusted.state.cams_from_world[number] @ adjusted.state.world_from_boards[moment]
    return float(np.degrees(np.arccos(np.clip(abs(pose[2, 2]), 0, 1))))


def judge(
    sightings: Sightings,
    adjusted: Adjusted,
    precise: Precision,
    pairs: Sequence[Pair],
    faults: Sequence[WholeFault],
    world: World,
) -> tuple[Finding, ...]:
    """Return the findings on a calibration, worst first."""
    findings = [_of_fault(sightings, fault) for fault in faults]
    findings += _of_connections(sightings, adjusted, pairs)
    for number, summary in enumerate(summarize(sightings, adjusted)):
        findings += _of_errors(sightings, adjusted, number, summary)
        findings += _of_lens(adjusted, precise, number, summary)
        findings += _of_place(adjusted, precise, number, summary)
    findings += _of_world(sightings, adjusted, world)
    return worst_first(findings)


def _of_fault(sightings: Sightings, fault: WholeFault) -> Finding:
    name = sightings.views[fault.view]
    return Finding("error", f"camera {name}", describe(fault, sightings.views))


def _of_connections(sightings: Sightings, adjusted: Adjusted, pairs: Sequence[Pair]) -> list[Finding]:
    """Return what there is to say of cameras that share too few pictures with the others."""
    findings = []
    placed = [sightings.views[view] for view in adjusted.views]
    for view, name in enumerate(sightings.views):
        if view in adjusted.views:
            continue
        if not sightings.of_view(view):
            message = f'camera "{name}" is not calibrated: none of its pictures shows the board'
            findings.append(Finding("error", f"camera {name}", message))
            continue
        shared = [int(sightings.shared[view, other]) for other in adjusted.views]
        partner = sightings.views[adjusted.views[int(np.argmax(shared))]]
        message = (
            f'camera "{name}" is not calibrated: it shares {max(shared)} pictures of the board with "{partner}", too '
            "few of which agree: film the board, held still, in 10 or more places that both see"
        )
        findings.append(Finding("error", f"camera {name}", message))
    good = {pair.views: pair.num_agreeing for pair in pairs if is_connected(pair, 1)}
    for view in adjusted.views:
        best = max((count for views, count in good.items() if view in views), default=0)
        if best < _FEW_SHARED:
            others = [other for other in placed if other != sightings.views[view]]
            message = (
                f'camera "{sightings.views[view]}" shares {best} pictures of the board with any other camera, expected '
                f"{_FEW_SHARED} or more: film the board where it and {' or '.join(others)} see it"
            )
            findings.append(Finding("warning", f"camera {sightings.views[view]}", message))
    return findings


def _of_errors(sightings: Sightings, adjusted: Adjusted, number: int, summary: CameraSummary) -> list[Finding]:
    topic, findings = f"camera {summary.name}", []
    scale = max(sightings.image_sizes[adjusted.views[number]]) / 1280
    if summary.error_px > _WARNING_PX * scale:
        severity = _graded(summary.error_px / scale, _WARNING_PX, _ERROR_PX)
        message = (
            f'camera "{summary.name}": corners are {summary.error_px:.2f} px from where they should be, expected '
            f"{_WARNING_PX * scale:.1f} px or less: is the board flat, are its numbers of squares right, was it held "
            "still, and are the cameras in step?"
        )
        findings.append(Finding(severity, topic, message))
    total = summary.num_used + len(summary.left_out)
    if summary.left_out:
        severity = _graded(len(summary.left_out) / total, _LEFT_OUT_WARNING, _LEFT_OUT_ERROR)
        message = (
            f'camera "{summary.name}": {len(summary.left_out)} of {total} pictures are left out: '
            f"{_named(summary.left_out)}"
        )
        findings.append(Finding(severity, topic, message))
    turned = [fit for fit in adjusted.fits if fit.sighting.view == adjusted.views[number] and fit.is_turned]
    if turned:
        message = (
            f'camera "{summary.name}": in {len(turned)} pictures the chessboard was read from its other end, which '
            "looks the same; that is corrected"
        )
        findings.append(Finding("note", topic, message))
    return findings


def _graded(value: float, warning: float, error: float) -> Severity:
    return "error" if value > error else "warning" if value > warning else "note"


def _named(fits: Sequence[Fit]) -> str:
    """Return the frames of pictures that are left out, with the reason."""
    reasons = {"corners": "blurred or with wrong corners", "place": "not where the other cameras see the board"}
    parts = []
    for reason, words in reasons.items():
        frames = [fit.sighting.frame for fit in fits if fit.reason == reason]
        if frames:
            listed = ", ".join(map(str, frames[:_NAMED_PICTURES]))
            more = f" and {len(frames) - _NAMED_PICTURES} more" if len(frames) > _NAMED_PICTURES else ""
            parts.append(f"frames {listed}{more} ({words})")
    return "; ".join(parts)


def _of_lens(adjusted: Adjusted, precise: Precision, number: int, summary: CameraSummary) -> list[Finding]:
    lens, topic, findings = adjusted.state.lenses[number], f"camera {summary.name}", []
    if lens.model == "fixed":
        return []
    share = precise.focal_px[number] / lens.values[0]
    if share > _FOCAL_WARNING or summary.num_used < _FEW_PICTURES:
        severity: Severity = "error" if share > _FOCAL_ERROR or summary.num_used < 3 else "warning"
        flat = (
            f" The board was never tilted by more than {summary.largest_tilt_deg:.0f} degrees."
            if summary.largest_tilt_deg < _FLAT_DEG
            else ""
        )
        message = (
            f'camera "{summary.name}": its focal length is {lens.values[0]:.0f} px, known to {100 * share:.2g} % '
            f"(one standard deviation) from {summary.num_used} pictures.{flat} Film the board near this camera, tilted "
            "by 20 to 45 degrees to all sides, in 15 or more places"
        )
        findings.append(Finding(severity, topic, message))
    width_deg = float(np.degrees(2 * np.arctan(max(lens.image_size) / 2 / lens.values[0])))
    if not lens.is_fisheye and width_deg > _WIDE_DEG:
        message = (
            f'camera "{summary.name}": its view is {width_deg:.0f} degrees wide: --lens {summary.name}=fisheye '
            "describes such a lens better if fewer pictures are left out with it"
        )
        findings.append(Finding("note", topic, message))
    if summary.covered < _COVERED_WARNING:
        message = (
            f'camera "{summary.name}": the board was in {100 * summary.covered:.0f} % of its picture; distortion is a '
            f"guess elsewhere: film the board {_empty_areas(summary.coverage)}"
        )
        findings.append(Finding("warning", topic, message))
    return findings


def _empty_areas(coverage: NDArray[np.int64]) -> str:
    """Return where a picture has no corners, in words."""
    rows, columns = coverage.shape
    areas = {
        "top left": coverage[: rows // 2, : columns // 2],
        "top right": coverage[: rows // 2, columns // 2 :],
        "bottom left": coverage[rows // 2 :, : columns // 2],
        "bottom right": coverage[rows // 2 :, columns // 2 :],
    }
    empty = [name for name, cells in areas.items() if (cells > 0).mean() < _COVERED_WARNING]
    return f"at the {', '.join(empty)} of the picture" if empty else "near the edges of the picture"


def _of_place(adjusted: Adjusted, precise: Precision, number: int, summary: CameraSummary) -> list[Finding]:
    if not number:
        return []
    pose = adjusted.state.cams_from_world[number]
    distance = float(np.linalg.norm(pose[:3, 3]))
    if precise.place_mm[number] <= max(_PLACE_WARNING * distance, 1.0):
        return []
    message = (
        f'camera "{summary.name}": its place is known to {precise.place_mm[number]:.1f} mm (one standard deviation) at '
        f"{distance:.0f} mm from the first camera: film more places of the board that it shares with others"
    )
    return [Finding("warning", f"camera {summary.name}", message)]


def _below_floor(sightings: Sightings, adjusted: Adjusted, world: World) -> list[str]:
    """Return the names of cameras that would stand below the floor."""
    places = np.linalg.inv(adjusted.state.cams_from_world)[:, :3, 3] * world.scale
    heights = places @ world.new_from_old[2, :3] + world.new_from_old[2, 3]
    return [sightings.views[view] for view, height in zip(adjusted.views, heights, strict=True) if height < 0]


def _of_world(sightings: Sightings, adjusted: Adjusted, world: World) -> list[Finding]:
    square = sightings.board.square_mm
    findings = [Finding("note", "world", world.text)]
    low = _below_floor(sightings, adjusted, world) if world.source == "floor board" else []
    if low:
        message = (
            f"camera{'s' if len(low) > 1 else ''} {', '.join(low)} would stand below the floor: in the frame of "
            "--floor-board the board must lie on the floor, printed side up"
        )
        findings.append(Finding("error", "world", message))
    if world.source == "scene points":
        if abs(world.scale - 1) > _SCALE_WARNING:
            message = (
                f"the measured points and the board differ in scale by {100 * (world.scale - 1):+.1f} %: one of them "
                f"is measured wrongly, or a square is not {square:g} mm but {world.scale * square:.2f} mm"
            )
            findings.append(Finding("warning", "scale", message))
    else:
        message = (
            f"all lengths rest on a square of {square:g} mm: pictures cannot show if that is wrong, so measure one on "
            "the board"
        )
        findings.append(Finding("note", "scale", message))
    return findings
