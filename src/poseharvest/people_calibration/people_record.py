"""A calibration from people as plain data: `calibration.json`, for programs and for who looks back."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from poseharvest.people_calibration.people_findings import summarize_views
from poseharvest.people_calibration.reprojection import reprojection_of
from poseharvest.people_calibration.solve_people import PeopleCalibration
from poseharvest.rig_calibration.calibration_record import FORMAT_NAME, plain_numbers
from poseharvest.versions import current_versions

_VERSION = 1


def people_record_text(result: PeopleCalibration) -> str:
    """Return the content of `calibration.json`. Numbers that are not known are null."""
    return json.dumps(plain_numbers(_record(result)), indent=1, allow_nan=False) + "\n"


def _record(result: PeopleCalibration) -> dict[str, Any]:
    names = result.sightings.views
    factor, state = result.scale.factor, result.adjusted.state
    used = result.adjusted.evidence.used & np.isfinite(result.adjusted.errors_px)
    errors = result.adjusted.errors_px[used]
    return {
        "format": FORMAT_NAME,
        "version": _VERSION,
        "source": "people",
        "is_fit": result.is_fit,
        "findings": [{"severity": f.severity, "topic": f.topic, "message": f.message} for f in result.findings],
        "moments": len(result.sightings.times_s),
        "world": {"source": result.world.source, "text": result.world.text},
        "scale": {"text": result.scale.text, "is_guessed": result.scale.is_guessed},
        "error_px": {"mean": float(errors.mean()), "median": float(np.median(errors))},
        "reprojection": asdict(reprojection_of(result)),
        "cameras": [_camera(result, number) for number in range(len(result.views))],
        "not_placed": [name for view, name in enumerate(names) if view not in result.views],
        "limbs_mm": {
            limb.name: float(factor * length)
            for limb, length in zip(result.sightings.skeleton.limbs, state.lengths_mm, strict=True)
        },
        "joint_error_px": {
            joint: float(np.median(result.adjusted.errors_px[..., number][used[..., number]]))
            if used[..., number].any()
            else None
            for number, joint in enumerate(result.sightings.skeleton.joints)
        },
        "pairs": [
            {
                "cameras": [names[view] for view in pair.views],
                "shared": pair.num_shared,
                "agreeing": pair.num_agreeing,
                "median_px": pair.median_px,
                "is_ambiguous": pair.is_ambiguous,
            }
            for pair in result.pairs
        ],
        "versions": current_versions(),
    }


def _camera(result: PeopleCalibration, number: int) -> dict[str, Any]:
    lens, summary = result.adjusted.state.lenses[number], summarize_views(result)[number]
    return {
        "name": summary.name,
        "image_size": list(lens.image_size),
        "lens": lens.model,
        "focal_px": lens.values[:2].tolist(),
        "focal_sigma_px": float(result.deviations.focal_px[number]),
        "place_sigma_mm": float(result.scale.factor * result.deviations.place_mm[number]),
        "angle_sigma_deg": float(result.deviations.angle_deg[number]),
        "error_px": {"mean": summary.mean_px, "median": summary.median_px},
        "detections": {"used": summary.num_used, "share": summary.used_share},
    }
