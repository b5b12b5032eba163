"""The page of a calibration from people as one file: how well each camera is known, and by what."""

from __future__ import annotations

from importlib import resources
from typing import Any

import numpy as np
from markupsafe import Markup

from poseharvest import __version__
from poseharvest.people_calibration.people_findings import ViewSummary, summarize_views
from poseharvest.people_calibration.solve_people import PeopleCalibration
from poseharvest.report.calibration_figures import from_above
from poseharvest.report.page_templates import page_environment

_ARROW_FACTOR = 5
_MAX_ARROWS = 1200


def render_people_calibration(result: PeopleCalibration, title: str) -> str:
    """Return the page. Every name from the footage is escaped.

    Args:
        result: the calibration.
        title: the name of the footage.
    """
    environment = page_environment()
    used = result.adjusted.evidence.used & np.isfinite(result.adjusted.errors_px)
    errors = result.adjusted.errors_px[used]
    lengths = result.scale.factor * result.adjusted.state.lengths_mm
    context: dict[str, Any] = {
        "title": title,
        "result": result,
        "version": __version__,
        "num_views": len(result.sightings.views),
        "num_moments": len(result.sightings.times_s),
        "median_px": float(np.median(errors)),
        "mean_px": float(errors.mean()),
        "cameras": [_camera(result, number, one) for number, one in enumerate(summarize_views(result))],
        "above": from_above(result.rig, _body_places(result), has_floor=result.world.source != "camera"),
        "arrow_factor": _ARROW_FACTOR,
        "limbs": [
            (limb.name, length)
            for limb, length in zip(result.sightings.skeleton.limbs, lengths, strict=True)
            if np.isfinite(length)
        ],
        "joints": [
            (joint, float(np.median(result.adjusted.errors_px[..., number][used[..., number]])))
            for number, joint in enumerate(result.sightings.skeleton.joints)
            if used[..., number].any()
        ],
        "style": _asset("page.css") + _asset("calibration.css"),
    }
    return environment.get_template("people_calibration.html.j2").render(**context)


def _camera(result: PeopleCalibration, number: int, summary: ViewSummary) -> dict[str, Any]:
    lens = result.adjusted.state.lenses[number]
    return {
        "summary": summary,
        "lens": lens,
        "focal_share": float(result.deviations.focal_px[number] / lens.values[0]),
        "place_mm": float(result.scale.factor * result.deviations.place_mm[number]),
        "angle_deg": float(result.deviations.angle_deg[number]),
        "errors": _errors_svg(result, number, f"Detected joints in the picture of {summary.name}, and their errors"),
    }


def _errors_svg(result: PeopleCalibration, number: int, label: str) -> Markup:
    """Return the area of a picture with its detections and the lines to the projected joints."""
    height, width = result.adjusted.state.lenses[number].image_size
    used = result.adjusted.evidence.used[number]
    starts = result.adjusted.evidence.pixels[number][used]
    errors = result.adjusted.state.projected(number)[used] - starts
    shown = np.linspace(0, len(starts) - 1, min(len(starts), _MAX_ARROWS)).round().astype(int)
    path = "".join(
        f"M{x:.0f} {y:.0f}l{dx:.0f} {dy:.0f}"
        for (x, y), (dx, dy) in zip(starts[shown], _ARROW_FACTOR * errors[shown], strict=True)
        if np.isfinite((dx, dy)).all()
    )
    return Markup(
        '<svg class="coverage" style="width:auto;height:24rem;max-width:100%" viewBox="0 0 {0} {1}" role="img" '
        'aria-label="{2}"><path class="errors" d="{3}"/></svg>'
    ).format(width, height, label, path)


def _body_places(result: PeopleCalibration) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return (M, 3) the middle of the body in every moment, in the world of the result, mm."""
    known = np.asarray(np.isfinite(result.adjusted.state.points).all(-1)).any(1)
    middles = result.scale.factor * np.nanmedian(result.adjusted.state.points[known], axis=1)
    pose = result.world.new_from_old
    return np.asarray(middles @ pose[:3, :3].T + pose[:3, 3], dtype=np.float64)


def _asset(name: str) -> Markup:
    """A style sheet of this package, not escaped, since it holds no text from the footage."""
    return Markup(resources.files("poseharvest.report").joinpath("templates", name).read_text(encoding="utf-8"))
