"""A calibration as plain data: `calibration.json`, for programs and for who looks back."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from poseharvest.errors import FormatError
from poseharvest.reading.documents import load_json
from poseharvest.rig_calibration.adjustment_rounds import Fit
from poseharvest.rig_calibration.judgement import CameraSummary, summarize
from poseharvest.rig_calibration.solve import RigCalibration
from poseharvest.versions import current_versions

RECORD_FILE = "calibration.json"
CAMERAS_FILE = "calibration.toml"
PAGE_FILE = "report.html"

FORMAT_NAME = "poseharvest-calibration"
"""The format that `calibration.json` names, whatever the cameras were calibrated by."""

_VERSION = 1


def record_text(result: RigCalibration) -> str:
    """Return the content of `calibration.json`. Numbers that are not known are null."""
    return json.dumps(plain_numbers(_record(result)), indent=1, allow_nan=False) + "\n"


def is_calibration_folder(folder: Path) -> bool:
    """Return whether a folder is an output of a calibration, which a new one may replace."""
    try:
        document = load_json(folder / RECORD_FILE)
    except FormatError:
        return False
    return isinstance(document, dict) and document.get("format") == FORMAT_NAME


def _record(result: RigCalibration) -> dict[str, Any]:
    sightings, board, names = result.sightings, result.sightings.board, result.sightings.views
    summaries = summarize(sightings, result.adjusted)
    return {
        "format": FORMAT_NAME,
        "version": _VERSION,
        "is_fit": result.is_fit,
        "findings": [{"severity": f.severity, "topic": f.topic, "message": f.message} for f in result.findings],
        "board": {
            "kind": board.kind,
            "columns": board.columns,
            "rows": board.rows,
            "square_mm": board.square_mm,
            "marker_mm": board.marker_side_mm if board.kind == "charuco" else None,
            "dictionary": board.dictionary if board.kind == "charuco" else None,
            "inverted": board.inverted,
            "legacy": board.legacy,
        },
        "frames": {"looked_at": len(sightings.frames), "stride": sightings.stride},
        "world": {
            "source": result.world.source,
            "text": result.world.text,
            "scale": result.world.scale,
            "place_sigma_mm": result.world.place_sigma_mm,
            "up_sigma_deg": result.world.up_sigma_deg,
        },
        "corner_px": result.precision.corner_px,
        "cameras": [_camera(result, number, summary) for number, summary in enumerate(summaries)],
        "pairs": [
            {
                "cameras": [names[view] for view in pair.views],
                "shared": pair.num_shared,
                "agreeing": pair.num_agreeing,
                "median_px": pair.median_px,
            }
            for pair in result.pairs
        ],
        "versions": current_versions(),
    }


def _camera(result: RigCalibration, number: int, summary: CameraSummary) -> dict[str, Any]:
    lens = result.adjusted.state.lenses[number]
    view = result.adjusted.views[number]
    return {
        "name": summary.name,
        "image_size": list(lens.image_size),
        "lens": lens.model,
        "focal_px": lens.values[:2].tolist(),
        "focal_sigma_px": float(result.precision.focal_px[number]),
        "place_sigma_mm": float(result.precision.place_mm[number]),
        "angle_sigma_deg": float(result.precision.angle_deg[number]),
        "error_px": summary.error_px,
        "pictures": {"with_board": summary.num_seen, "used": summary.num_used, "left_out": len(summary.left_out)},
        "covered": summary.covered,
        "coverage": summary.coverage.tolist(),
        "largest_tilt_deg": summary.largest_tilt_deg,
        "by_picture": [_picture(fit) for fit in result.adjusted.fits if fit.sighting.view == view],
    }


def _picture(fit: Fit) -> dict[str, Any]:
    return {
        "frame": fit.sighting.frame,
        "corners": len(fit.sighting.corners),
        "corners_used": int(fit.used.sum()) if fit.reason is None else 0,
        "error_px": fit.error_px,
        "own_error_px": fit.own_error_px,
        "left_out": fit.reason,
        "counted_from_other_end": fit.is_turned,
    }


def plain_numbers(value: Any) -> Any:
    """Return the value without NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: plain_numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain_numbers(one) for one in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value
