"""Every reader of files that others wrote: how to make a valid sample, which files of it to damage, and how to read.

The samples are those of the tests (`tests/dataset_kits`, `tests/harvest_kit.py`), so that folder must be importable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from study import fuzz_samples as samples

Make = Callable[[Path], list[Path]]
Read = Callable[[Path, Path], object]

_KINDS = {".json": "json", ".toml": "toml", ".safetensors": "safetensors"}
_TEXTS = frozenset({".txt", ".yml", ".xml", ".csv", ".bvh", ".xcp", ".calib", ".mot"})
_SIZES = {f"cam{i:02d}": (720, 1280) for i in range(3)}


@dataclass(frozen=True)
class FuzzReader:
    """A reader, with samples for it.

    Attributes:
        make: writes a valid sample into an empty folder and returns the files of it to damage.
        read: reads the sample; it gets the folder and the damaged file.
    """

    make: Make
    read: Read

    @staticmethod
    def kind_of(file: Path) -> str:
        """Return which mutations suit a file (`mutations.KINDS`)."""
        suffix = file.suffix.lower()
        return _KINDS.get(suffix, "text" if suffix in _TEXTS else "bytes")


def _calibration(folder: Path, file: Path) -> object:
    from poseharvest.calibration.registry import read_calibration
    from poseharvest.calibration.rig_audit import audit_rig

    return audit_rig(read_calibration(file, image_sizes=_SIZES))


def _keypoints(folder: Path, file: Path) -> object:
    from poseharvest.detectors.keypoint_folder import open_entry
    from poseharvest.detectors.keypoints import KeypointDetector, KeypointOptions

    KeypointDetector(folder).num_pictures()
    entry = open_entry(file if file.parent == folder else file.parent)  # the detector passes over damaged views
    [entry.people(number) for number in entry.frames]
    detector = KeypointDetector(folder, KeypointOptions(layout="body_25" if file.parent != folder else "coco17"))
    pictures = detector.num_pictures()
    return [detector.people(view, number) for view in pictures for number in range(min(pictures[view], 8))]


def _dataset(opener: str) -> Read:
    def read(folder: Path, file: Path) -> object:
        module, _, name = opener.partition(":")
        dataset = getattr(import_module(f"poseharvest.datasets.{module}"), name)(folder)
        for sequence in dataset.sequences:
            for _ in sequence.open_footage(sequence.cameras, False).frames():
                break
            sequence.read_truth()
        return dataset

    return read


def _pictures(opener: str) -> Read:
    module, _, name = opener.partition(":")
    return lambda folder, file: getattr(import_module(f"poseharvest.datasets.{module}"), name)(file)


def _call(function: str, *arguments: Any, **options: Any) -> Read:
    """Return a reader that calls `module:function` with the file."""
    module, _, name = function.partition(":")
    return lambda folder, file: getattr(import_module(f"poseharvest.{module}"), name)(file, *arguments, **options)


def _harvest(folder: Path, file: Path) -> object:
    from poseharvest.annotations.reader import Harvest, is_harvest

    is_harvest(folder / "harvest")
    harvest = Harvest.open(folder / "harvest")
    return [harvest.rig, harvest.skeleton, list(harvest.iter_frames()), harvest.filled_poses(), harvest.preview_frames]


def _reviews(folder: Path, file: Path) -> object:
    from poseharvest.annotations.reader import Harvest

    harvest = Harvest.open(folder / "harvest").with_reviews()
    return [list(harvest.iter_frames()), harvest.review_findings()]


def _capture(folder: Path, file: Path) -> object:
    from poseharvest.capture.capture import Capture

    count = 0
    for _ in Capture.open(folder).frames():
        count += 1
    return count


def _video(folder: Path, file: Path) -> object:
    from poseharvest.capture.video import open_video_view

    video = open_video_view("cam", file)
    return sum(1 for _ in video.read(np.arange(len(video.index.pts), dtype=np.int32)))


def _npz(folder: Path, file: Path) -> object:
    from poseharvest.reading.pickled_arrays import read_npz_objects

    return read_npz_objects(file, "positions_3d")


def _predictions(folder: Path, file: Path) -> object:
    from poseharvest.datasets.voxelpose_keypoints import convert_voxelpose_keypoints

    return convert_voxelpose_keypoints(file, folder / "out", range(3))


def _detector(folder: Path, file: Path) -> object:
    from poseharvest.detectors.registry import load_detector

    return load_detector(folder if file.name in {"config.json", "model.safetensors"} else _description(file))


def _description(file: Path) -> Path:
    return file.with_suffix(".toml") if file.suffix == ".onnx" else file


def _weights(name: str) -> Read:
    def read(folder: Path, file: Path) -> object:
        from poseharvest.detectors.registry import load_detector

        return load_detector(name, weights=file)

    return read


def _recalibration(folder: Path, file: Path) -> object:
    from poseharvest.selection.recalibration import Recalibration

    return Recalibration.read(file)


def _limb_lengths(folder: Path, file: Path) -> object:
    from poseharvest.skeleton.definitions import MPII16
    from poseharvest.skeleton.limb_lengths import read_limb_lengths

    return read_limb_lengths(file).longest_path_mm(MPII16)


def _settings(folder: Path, file: Path) -> object:
    from poseharvest.capture.settings import read_settings

    return read_settings(folder)


def _setups(folder: Path, file: Path) -> object:
    from poseharvest.kinematics.setups import find_setups

    return find_setups(None, folder, "of_mine", ["RKnee", "Neck"])


def _bvh(folder: Path, file: Path) -> object:
    from poseharvest.studio.bvh_people import bvh_performance

    return bvh_performance(file).shape


def _units(folder: Path, file: Path) -> object:
    from poseharvest.storage.finished_units import UnitStore

    return UnitStore(folder).finished(("a", "b"), {"seed": 1})


def _records(folder: Path, file: Path) -> object:
    from poseharvest.export.registry import is_export
    from poseharvest.learning.heatmaps2d.stored_samples import is_stored
    from poseharvest.learning.loop.checkpoint import is_checkpoint

    return [ask(folder) for ask in (is_export, is_stored, is_checkpoint)]


def _assignment(folder: Path, file: Path) -> object:
    from poseharvest.cli.assignments import parse_assignments

    text = file.read_bytes().decode("utf-8", "surrogateescape")
    return parse_assignments([text], option="--detector-option")


READERS: Mapping[str, FuzzReader] = MappingProxyType({
    **{f"calibration-{name}": FuzzReader(make, _calibration) for name, make in samples.CALIBRATIONS.items()},
    **{f"keypoints-{name}": FuzzReader(make, _keypoints) for name, make in samples.KEYPOINTS.items()},
    "layout": FuzzReader(samples.layout, _call("detectors.layout_file:read_layout")),
    "skeleton": FuzzReader(samples.skeleton, _call("skeleton.skeleton_file:read_skeleton")),
    "limb-lengths": FuzzReader(samples.limb_lengths, _limb_lengths),
    "boxes": FuzzReader(samples.boxes, _call("localization.boxes:read_boxes")),
    "scene-points": FuzzReader(samples.scene_points, _call("rig_calibration.scene_points:read_scene_points")),
    "capture-toml": FuzzReader(samples.settings, _settings),
    "recalibration": FuzzReader(samples.recalibration, _recalibration),
    "truth-csv": FuzzReader(samples.truth("csv"), _call("evaluation.tracks:read_tracks")),
    "truth-parquet": FuzzReader(samples.truth("parquet"), _call("evaluation.tracks:read_tracks")),
    "harvest-json": FuzzReader(samples.harvest("harvest.json"), _harvest),
    "harvest-rig": FuzzReader(samples.harvest("rig.json"), _harvest),
    "harvest-parquet": FuzzReader(samples.harvest("**/*.parquet"), _harvest),
    "harvest-reviews": FuzzReader(samples.reviews, _reviews),
    "campus-mat": FuzzReader(samples.shelf("actorsGT.mat"), _dataset("campus_shelf:open_shelf")),
    "campus-calibration": FuzzReader(samples.shelf("calibration_shelf.json"), _dataset("campus_shelf:open_shelf")),
    "voxelpose-pickle": FuzzReader(samples.voxelpose_pickle, _predictions),
    "panoptic": FuzzReader(samples.panoptic, _dataset("panoptic_studio:open_panoptic")),
    "football": FuzzReader(samples.football, _dataset("kth_football:open_kth_football")),
    "mpii-mat": FuzzReader(samples.pictures("mpii_mat"), _pictures("mpii_pictures:open_mpii")),
    "mpii-json": FuzzReader(samples.pictures("mpii_hourglass", "mpii_hrnet"), _pictures("mpii_pictures:open_mpii")),
    "coco-json": FuzzReader(samples.pictures("coco"), _pictures("coco_pictures:open_coco")),
    "h36m-cdf": FuzzReader(
        samples.human36m("official", "**/Posing 1.cdf"), _dataset("human36m.recordings:open_human36m")
    ),
    "h36m-xml": FuzzReader(
        samples.human36m("official_with_metadata", "metadata.xml"), _dataset("human36m.recordings:open_human36m")
    ),
    "h36m-npz": FuzzReader(samples.human36m("videopose3d", "*.npz"), _dataset("human36m.recordings:open_human36m")),
    "h36m-npz-pickle": FuzzReader(samples.stored_npz, _npz),
    "h36m-h5": FuzzReader(samples.human36m("fetch", "**/annot.h5"), _dataset("human36m.recordings:open_human36m")),
    "h36m-authors": FuzzReader(samples.human36m("authors", "annot/*"), _dataset("human36m.recordings:open_human36m")),
    "video": FuzzReader(samples.videos, _video),
    "capture-pictures": FuzzReader(samples.picture_capture, _capture),
    "onnx": FuzzReader(samples.onnx_model("model.onnx"), _detector),
    "onnx-toml": FuzzReader(samples.onnx_model("model.toml"), _detector),
    "weights-safetensors": FuzzReader(samples.hourglass_safetensors, _detector),
    "weights-torch": FuzzReader(samples.hourglass_torch, _weights("hourglass")),
    "weights-keras": FuzzReader(samples.keras, _weights("efficientpose")),
    "vitpose-folder": FuzzReader(samples.vitpose_folder, _detector),
    "vitpose-own": FuzzReader(samples.vitpose_own, _detector),
    "pose-model": FuzzReader(samples.pose_model, _call("learning.pose3d.pose_model:load_model")),
    "checkpoint": FuzzReader(samples.checkpoint, lambda folder, file: _read_checkpoint(folder)),
    "shipped": FuzzReader(samples.shipped, lambda folder, file: _find_shipped(folder)),
    "bvh": FuzzReader(samples.bvh, _bvh),
    "bvh-names": FuzzReader(samples.bvh_names, _call("studio.bvh_people:read_bvh_names")),
    "opensim-motion": FuzzReader(samples.opensim_motion, _call("kinematics.motion_file:read_motion")),
    "opensim-setups": FuzzReader(samples.opensim_setups, _setups),
    "finished-unit": FuzzReader(samples.unit, _units),
    "records": FuzzReader(samples.records, _records),
    "judged": FuzzReader(samples.judged, _call("tables.studio.judged_poses:read_judged")),
    "round": FuzzReader(samples.round_result, lambda folder, file: _read_round(folder)),
    "option": FuzzReader(samples.option, _assignment),
})
"""Readers by name."""


def _read_checkpoint(folder: Path) -> object:
    from poseharvest.learning.loop.checkpoint import read_checkpoint

    return read_checkpoint(folder / "checkpoint")


def _find_shipped(folder: Path) -> object:
    from poseharvest.detectors.shipped_weights import find_shipped

    return find_shipped("net", folder)


def _read_round(folder: Path) -> object:
    from poseharvest.learning.personalize.rounds import read_round

    done = read_round(folder)
    return None if done is None else (done.rating_before, done.rating, done.as_dict())
