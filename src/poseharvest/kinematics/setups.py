"""A folder of set-ups for OpenSim as Pose2Sim has them: a model, and files for each layout of keypoints.

`Markers_X.xml`, `Scaling_Setup_..._X.xml` and `IK_Setup_..._X.xml` belong together, X being Body25b, Halpe26, Coco17
and the like. The package ships none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from poseharvest.errors import ConfigError, FormatError
from poseharvest.reading.documents import load_xml

_PREFIXES = {"marker_set": "Markers_", "scaling": "Scaling_Setup_", "tasks": "IK_Setup_"}


@dataclass(frozen=True)
class Setups:
    """Files for OpenSim.

    Attributes:
        model: the .osim file.
        marker_set: where markers are on the model; None takes those of the model.
        scaling: how to scale the model; None leaves it as it is.
        tasks: the inverse kinematics' coordinates and weights; None weighs markers alone.
    """

    model: Path
    marker_set: Path | None = None
    scaling: Path | None = None
    tasks: Path | None = None


def find_setups(model: Path | None, folder: Path | None, skeleton: str, markers: Sequence[str]) -> Setups:
    """Return the files to use.

    Args:
        model: the .osim file; None takes the one of the folder.
        folder: of set-ups; None takes the model as it is, with its own markers: one that was scaled before.
        skeleton: name of the harvest's skeleton: the layout of this name is used.
        markers: names that are written; without a layout of the skeleton's name, the one with most of these is used.

    Raises:
        ConfigError: the folder does not hold what is needed.
        FormatError: a marker set cannot be read.
    """
    if model is not None and not model.is_file():
        raise ConfigError(f"model: expected an .osim file, there is no file {model}")
    if folder is None:
        if model is None:
            raise ConfigError("model: expected an .osim file, or a folder of set-ups with --setups")
        return Setups(model)
    if not folder.is_dir():
        raise ConfigError(f"setups: expected a folder, there is none at {folder}")
    layout = _layout(folder, skeleton, markers)
    files = {kind: _only(folder, f"{prefix}*", layout) for kind, prefix in _PREFIXES.items()}
    return Setups(model or _model(folder), **files)


def _model(folder: Path) -> Path:
    models = sorted(folder.glob("*.osim"))
    if len(models) != 1:
        listed = ", ".join(path.name for path in models[:5]) or "none"
        raise ConfigError(f"{folder}: expected one .osim file, got {listed}: name the one to use with --model")
    return models[0]


def _layout(folder: Path, skeleton: str, markers: Sequence[str]) -> str:
    layouts = {path.stem.removeprefix("Markers_").lower(): path for path in sorted(folder.glob("Markers_*.xml"))}
    if not layouts:
        raise ConfigError(f"{folder}: expected marker sets of Pose2Sim, Markers_*.xml, got none")
    if skeleton.lower() in layouts:
        return skeleton.lower()
    common = {layout: _marker_names(path) for layout, path in layouts.items()}
    best = max(common, key=lambda layout: (len(common[layout] & {*markers}), -len(common[layout])))
    if not common[best] & {*markers}:
        raise ConfigError(f"{folder}: no marker set has any of the markers {', '.join(markers)}")
    return best


def _marker_names(path: Path) -> set[str]:
    names = {str(marker.get("name")) for marker in load_xml(path).iter("Marker")}
    if not names:
        raise FormatError(f"{path}: expected elements Marker with a name, got none")
    return names


def _only(folder: Path, pattern: str, layout: str) -> Path:
    paths = [path for path in sorted(folder.glob(f"{pattern}.xml")) if path.stem.lower().endswith(f"_{layout}")]
    if len(paths) != 1:
        listed = ", ".join(path.name for path in paths) or "none"
        raise ConfigError(f"{folder}: expected one file {pattern}_{layout}.xml (in any case), got {listed}")
    return paths[0]
