"""Detectors by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from poseharvest.detectors.efficientpose import load_efficientpose
from poseharvest.detectors.network import RunOptions
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.errors import DetectorError


def load_detector(
    name_or_path: str | Path, *, weights: str | Path | None = None, device: str = "cpu", **options: Any
) -> HeatmapDetector:
    """Return a detector.

    Args:
        name_or_path: "efficientpose".
        weights: its weights file.
        device: where it runs.
        options: `batch_size`, `flip_test`.

    Raises:
        DetectorError: there is no such detector, or its weights cannot be used.
    """
    if str(name_or_path) != "efficientpose" or weights is None:
        raise DetectorError(f'detector: expected "efficientpose" with a weights file, got "{name_or_path}"')
    return load_efficientpose(Path(weights), RunOptions(device=device, **options))
