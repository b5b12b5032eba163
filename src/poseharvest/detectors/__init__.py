"""2D detectors: windows of pictures in, heatmaps out; networks, ONNX models, and keypoint files of other tools.

It never looks at several views together. Start with `protocol`, which says what a detector is, then `registry`, which
finds one by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.detectors.protocol import CroppedView, HeatmapDetector, KeypointSource
    from poseharvest.detectors.registry import load_detector
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["CroppedView", "HeatmapDetector", "KeypointSource", "load_detector"]
