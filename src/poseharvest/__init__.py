"""poseharvest: 3D human poses, their uncertainty and training annotations from multi-camera footage.

from poseharvest import Capture, harvest, load_detector

result = harvest(Capture.open("my_capture"), load_detector("efficientpose"), "my_harvest")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from poseharvest.analysis.harvest_object import Harvest as Harvest
    from poseharvest.analysis.make_harvest import harvest as harvest
    from poseharvest.capture.capture import Capture as Capture
    from poseharvest.detectors.registry import load_detector as load_detector
    from poseharvest.errors import HarvestError as HarvestError
    from poseharvest.harvesting.harvest_options import HarvestOptions as HarvestOptions
    from poseharvest.pictorial.inference_options import InferenceOptions as InferenceOptions
    from poseharvest.selection.rules import SelectionRule as SelectionRule

_HOMES = {
    "Capture": "capture.capture",
    "Harvest": "analysis.harvest_object",
    "HarvestError": "errors",
    "HarvestOptions": "harvesting.harvest_options",
    "InferenceOptions": "pictorial.inference_options",
    "SelectionRule": "selection.rules",
    "harvest": "analysis.make_harvest",
    "load_detector": "detectors.registry",
}

__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604 - every name in it is a string


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, so that `import poseharvest` stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
