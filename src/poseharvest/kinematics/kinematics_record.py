"""What was made of whom, as plain data: `kinematics.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import FormatError
from poseharvest.findings import Finding
from poseharvest.kinematics.kinematics_options import KinematicsOptions
from poseharvest.kinematics.person_kinematics import ModelMotion, PersonKinematics
from poseharvest.reading.documents import load_json
from poseharvest.versions import current_versions

RECORD_FILE: Final = "kinematics.json"
_FORMAT: Final = "poseharvest kinematics"


def record_text(
    harvest: Harvest, options: KinematicsOptions, people: Sequence[PersonKinematics], findings: Sequence[Finding]
) -> str:
    """Return the content of `kinematics.json`."""
    versions = current_versions()
    if options.uses_opensim:
        versions["opensim"] = metadata.version("opensim")
    chosen = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()}
    reviews = {} if harvest.review_provenance is None else {"reviews": harvest.review_provenance}
    content = {
        "format": _FORMAT,
        "versions": versions,
        "capture": harvest.info.capture.name,
        "harvested": harvest.info.created,
        "options": chosen,
        **reviews,
        "people": [_person(person) for person in people],
        "findings": [asdict(finding) for finding in findings],
    }
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def is_kinematics_folder(folder: Path) -> bool:
    """Return whether a folder is an earlier output of the command, which a new one may replace."""
    try:
        content = load_json(folder / RECORD_FILE)
    except FormatError:
        return False
    return isinstance(content, dict) and content.get("format") == _FORMAT


def _person(person: PersonKinematics) -> dict[str, Any]:
    medians: Mapping[str, float | None] = {
        name: float(np.nanmedian(column)) if np.isfinite(column).any() else None
        for name, column in zip(person.angles.names, person.angles.sigma_deg.T, strict=True)
    }
    return {
        "person": person.person,
        "frames": len(person.angles.frames),
        "up": person.up,
        "median_sigma_deg": medians,
        "model": None if person.model is None else _model(person.model),
    }


def _model(model: ModelMotion) -> dict[str, Any]:
    return {
        "frames": len(model.motion.times_s),
        "marker_rms_mm": model.marker_rms_mm,
        "marker_errors_mm": model.answer.marker_errors_mm,
        "marker_weights": model.answer.tasks,
        "scale_factors": model.answer.scales,
        "mass_kg": model.answer.mass_kg,
    }
