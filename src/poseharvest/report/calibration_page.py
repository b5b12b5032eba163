"""The page of a calibration as one file: how well each camera is known, and what to film again."""

from __future__ import annotations

from importlib import resources
from typing import Any

import numpy as np
from markupsafe import Markup

from poseharvest import __version__
from poseharvest.report.calibration_figures import ARROW_FACTOR, coverage_svg, from_above, picture_bars
from poseharvest.report.page_templates import page_environment
from poseharvest.rig_calibration.judgement import CameraSummary, summarize
from poseharvest.rig_calibration.solve import RigCalibration


def render_calibration(result: RigCalibration, title: str) -> str:
    """Return the page. Every name from the footage is escaped.

    Args:
        result: the calibration.
        title: the name of the footage.
    """
    environment = page_environment()
    summaries = summarize(result.sightings, result.adjusted)
    places = [result.sightings.views.index(summary.name) for summary in summaries]
    context: dict[str, Any] = {
        "title": title,
        "result": result,
        "board": result.sightings.board,
        "version": __version__,
        "cameras": [_camera(result, number, summary) for number, summary in enumerate(summaries)],
        "shared": [[int(result.sightings.shared[a, b]) for b in places] for a in places],
        "above": from_above(result.rig, _board_places(result), has_floor=result.world.source != "camera"),
        "arrow_factor": ARROW_FACTOR,
        "left_out": [fit for fit in result.adjusted.fits if fit.reason is not None],
        "view_names": result.sightings.views,
        "error_px": _overall_px(result),
        "style": _asset("page.css") + _asset("calibration.css"),
    }
    return environment.get_template("calibration.html.j2").render(**context)


def _overall_px(result: RigCalibration) -> float:
    errors = [fit.errors_px[fit.used] for fit in result.adjusted.fits if fit.reason is None]
    return float(np.sqrt(np.mean(np.sum(np.concatenate(errors) ** 2, -1)))) if errors else float("nan")


def _camera(result: RigCalibration, number: int, summary: CameraSummary) -> dict[str, Any]:
    view = result.adjusted.views[number]
    fits = [fit for fit in result.adjusted.fits if fit.sighting.view == view]
    used = [fit for fit in fits if fit.reason is None]
    lens = result.adjusted.state.lenses[number]
    label = f"Corners of the board in the picture of {summary.name}"
    limit = max(1.0, 4 * summary.error_px) if np.isfinite(summary.error_px) else 1.0
    return {
        "summary": summary,
        "lens": lens,
        "focal_share": float(result.precision.focal_px[number] / lens.values[0]),
        "place_mm": float(result.precision.place_mm[number]),
        "angle_deg": float(result.precision.angle_deg[number]),
        "coverage": coverage_svg(summary.coverage, used, lens.image_size, label),
        "bars": picture_bars(fits, limit, f"Error of every picture of {summary.name}, pixels"),
    }


def _board_places(result: RigCalibration) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return (M, 3) the middle of the board in every moment, in the world of the result, mm."""
    width, height = result.sightings.board.size_mm
    middles = result.adjusted.state.world_from_boards @ np.array((width / 2, height / 2, 0, 1))
    moved = np.concatenate((result.world.scale * middles[:, :3], middles[:, 3:]), 1)
    return np.asarray((moved @ result.world.new_from_old.T)[:, :3], dtype=np.float64)


def _asset(name: str) -> Markup:
    """A style sheet of this package, not escaped, since it holds no text from the footage."""
    return Markup(resources.files("poseharvest.report").joinpath("templates", name).read_text(encoding="utf-8"))
