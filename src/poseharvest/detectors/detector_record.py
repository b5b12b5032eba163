"""What there is to say of a detector, in one place: help, errors and tables of the documentation follow from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poseharvest.detectors.network import RunOptions
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.devices import fastest_device


def _no_path(_path: Path) -> bool:
    return False


@dataclass(frozen=True)
class DetectorRecord:
    """A detector that `load_detector` finds.

    Attributes:
        name: what the user writes, unless `path_form` says otherwise; weights files of ours hold it too.
        description: one line for people.
        load: returns the detector, by a path and options. The path is the user's: of the weights, or the one that
            stands for the detector; it is None where the user names no weights.
        recognises: whether a path, which need not exist, stands for this detector. A weights file of ours that holds
            the detector's name is recognised without it.
        options: a frozen dataclass that checks itself; every field has a default, and one is `device`.
        path_form: what the user writes if only a path stands for the detector, such as "MODEL.toml".
        fastest_device: gives the device on which it is fastest here, for the device "auto".
        weights_in_folder: the weights may be a folder, not a file.
    """

    name: str
    description: str
    load: Callable[[Any, Any], HeatmapDetector]
    recognises: Callable[[Path], bool] = _no_path
    options: type[Any] = RunOptions
    path_form: str | None = None
    fastest_device: Callable[[], str] = fastest_device
    weights_in_folder: bool = False

    @property
    def written(self) -> str:
        """What the user writes."""
        return self.path_form or self.name
