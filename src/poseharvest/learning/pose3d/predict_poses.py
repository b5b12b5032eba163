"""3D poses from single pictures by a trained network, with the root's depth by D9."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor

from poseharvest.detectors.network import network_input
from poseharvest.detectors.protocol import CroppedView, HeatmapDetector
from poseharvest.errors import CalibrationError, CaptureError, ConfigError, NobodyFoundError
from poseharvest.geometry.camera import CameraModel
from poseharvest.geometry.crop import Crop
from poseharvest.learning.pose3d.find_windows import find_windows, view_of
from poseharvest.learning.pose3d.input_pictures import Picture, PictureInput
from poseharvest.learning.pose3d.overlay_pictures import OVERLAYS, OverlayPictures
from poseharvest.learning.pose3d.pose_model import PoseModel
from poseharvest.learning.pose3d.root_depth import estimate_root_depth, points_at_depth, viewing_slopes
from poseharvest.learning.pose3d.scaling import pose_from_numbers
from poseharvest.localization.boxes import Boxes, write_boxes
from poseharvest.progress import OnProgress, Progress, silent
from poseharvest.reading.cells import safe_cell
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.storage.run_folder import RunFolder
from poseharvest.storage.staging import staged_file
from poseharvest.versions import current_versions

FORMAT: Final = "poseharvest prediction"
RESULT, POSES, BOXES = "prediction.json", "poses.csv", "boxes.csv"
COLUMNS: Final = ("frame", "picture", "joint", "u", "v", "depth", "x", "y", "z")

RootDepthSource = Literal["given", "limb lengths", "unknown"]


@dataclass(frozen=True, eq=False)
class Situation:
    """What is known beside the picture.

    Attributes:
        camera: that took the pictures; None gives no millimetres across the line of sight.
        root_depth_mm: of the root along the camera's axis; None estimates it from limb lengths.
        limb_lengths: of the person; None takes those that the network was trained on.
        boxes: windows around the person, of one view.
        detector: 2D network that finds the person; without boxes and detector the window is the whole picture.
    """

    camera: CameraModel | None = None
    root_depth_mm: float | None = None
    limb_lengths: LimbLengths | None = None
    boxes: Boxes | None = None
    detector: HeatmapDetector | None = None

    def __post_init__(self) -> None:
        if self.root_depth_mm is not None and not self.root_depth_mm > 0:
            raise ConfigError(f"root depth: expected a distance above 0 mm, got {self.root_depth_mm}")
        if self.camera is None and (self.root_depth_mm is not None or self.limb_lengths is not None):
            raise ConfigError("root depth: expected a calibrated camera with it, got none")
        if self.boxes is not None and self.detector is not None:
            raise ConfigError("windows: expected boxes or a detector that finds them, got both")
        if self.boxes is not None and len(self.boxes.views) != 1:
            raise ConfigError(f"boxes: expected those of one view, got {', '.join(self.boxes.views) or 'none'}")

    @property
    def root_depth_source(self) -> RootDepthSource:
        """Where the depth of the root comes from."""
        if self.camera is None:
            return "unknown"
        return "limb lengths" if self.root_depth_mm is None else "given"

    @property
    def window_source(self) -> str:
        """Where the windows come from."""
        if self.detector is not None:
            return f"found by {self.detector.name}"
        return "whole picture" if self.boxes is None else "boxes"

    def windows(self, pictures: PictureInput) -> Iterator[tuple[Picture, Crop | None]]:
        """Give every picture with the window around the person; None if it has no box, or nobody is found in it."""
        if self.detector is not None:
            yield from find_windows(pictures, self.detector)
            return
        for picture in pictures:
            yield picture, self._known_window(picture)

    def _known_window(self, picture: Picture) -> Crop | None:
        if self.boxes is not None:
            return self.boxes.at(picture.frame, self.boxes.views[0])
        height, width = picture.image.shape[:2]
        return Crop(((width - 1) / 2, (height - 1) / 2), float(max(height, width)))


@dataclass(frozen=True, eq=False)
class PredictedPose:
    """A pose in one picture.

    Attributes:
        pixels: (J, 2) x, y, pixels of the picture.
        depth_mm: (J,) beyond the root along the camera's axis.
        points_mm: (J, 3) in the camera's system; None without a camera.
    """

    pixels: Tensor
    depth_mm: Tensor
    points_mm: Tensor | None


@dataclass(frozen=True)
class Prediction:
    """What `predict` made.

    Attributes:
        poses: `poses.csv`.
        num_pictures: that were looked at.
        num_poses: pictures with a pose; in the others nobody is found, or they have no box.
        findings: what was found wrong, in words.
        overlays: the folder of pictures with their poses; None if none were asked for, or none of them shows anybody.
    """

    poses: Path
    num_pictures: int
    num_poses: int
    findings: tuple[str, ...] = ()
    overlays: Path | None = None


def predict_pose(model: PoseModel, picture: Picture, window: Crop, situation: Situation) -> PredictedPose:
    """Return the pose of the person in a window of a picture.

    Raises:
        CalibrationError: the camera is affine, or of pictures of another size.
    """
    inputs = network_input([CroppedView(picture.name, picture.frame, window, picture.image)], model.preprocessing)
    pose = pose_from_numbers(model.numbers(inputs)[0].double(), model.preprocessing.input_size)
    pixels = window.to_image(pose.pixels, model.preprocessing.input_size)
    if situation.camera is None:
        return PredictedPose(pixels, pose.depth_mm, None)
    camera = situation.camera
    if camera.image_size != picture.image.shape[:2]:
        raise CalibrationError(
            f'camera "{camera.name}": is calibrated for pictures of {camera.image_size} (height, width), '
            f"got {picture.name} of {picture.image.shape[:2]}"
        )
    slopes = viewing_slopes(camera.at(picture.frame), pixels)
    lengths = situation.limb_lengths or model.limb_lengths
    root = (
        estimate_root_depth(slopes, pose.depth_mm, model.skeleton, lengths)
        if situation.root_depth_mm is None
        else torch.tensor(situation.root_depth_mm, dtype=slopes.dtype)
    )
    return PredictedPose(pixels, pose.depth_mm, points_at_depth(slopes, pose.depth_mm, root))


def predict(  # noqa: PLR0913 - the stage's inputs, each optional one of its own kind
    model: PoseModel,
    pictures: PictureInput,
    out: Path | str,
    *,
    situation: Situation | None = None,
    num_overlays: int = 0,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> Prediction:
    """Predict the pose in every picture, and write `poses.csv` and `prediction.json` into `out`.

    If a detector finds the windows, they are written into `boxes.csv`, to be checked, corrected and used again.

    Args:
        model: `load_model(path)`.
        pictures: `open_pictures(path)`.
        out: the folder to make.
        situation: what is known beside the pictures.
        num_overlays: how many pictures are written with their poses, spread evenly, into `overlays`.
        overwrite: replace an earlier prediction at `out`.
        on_progress: called after every picture.

    Raises:
        CaptureError: a picture cannot be read, no box is of any, or nobody is found in any.
        CalibrationError: the camera does not fit.
        StoreError: `out` exists, or cannot be written.
    """
    situation = situation or Situation()
    run = RunFolder(Path(out), RESULT, FORMAT, remedy="begin again with --overwrite")
    settings: dict[str, Any] = {
        "input": str(pictures.path.resolve()),
        "root_depth": situation.root_depth_source,
        "camera": None if situation.camera is None else situation.camera.name,
        "window": situation.window_source,
    }
    with run.running(settings, overwrite=overwrite, resume=False):
        path, findings = run.path / POSES, _findings(model, situation)
        with staged_file(path, overwrite=True) as temporary:
            overlays = OverlayPictures.spread(run.path / OVERLAYS, len(pictures), num_overlays)
            poses = _poses(model, pictures, situation, overlays, on_progress or silent)
            windows = _write_poses(poses, model, view_of(pictures), temporary)
            if not windows:
                raise _nobody(pictures, situation)
        if situation.detector is not None:
            with staged_file(run.path / BOXES, overwrite=True) as temporary:
                write_boxes(Boxes(windows), temporary)
        drawn = overlays.folder if overlays.folder.is_dir() else None
        result = Prediction(path, len(pictures), len(windows), findings, drawn)
        counts = {"num_pictures": len(pictures), "num_poses": len(windows), "findings": findings}
        run.write({"finished": True, **settings, **counts, "versions": current_versions()})
        return result


def _poses(
    model: PoseModel,
    pictures: PictureInput,
    situation: Situation,
    overlays: OverlayPictures,
    on_progress: OnProgress,
) -> Iterator[tuple[Picture, Crop, PredictedPose]]:
    """Yield every picture with a pose, after it was drawn where it is one of the overlays."""
    for count, (picture, window) in enumerate(situation.windows(pictures), 1):
        if window is not None:
            pose = predict_pose(model, picture, window, situation)
            overlays.add(picture, model.skeleton, pose.pixels)
            yield picture, window, pose
        on_progress(Progress(count, len(pictures), "predicting"))


def _write_poses(
    poses: Iterable[tuple[Picture, Crop, PredictedPose]], model: PoseModel, view: str, file: Path
) -> dict[tuple[int, str], Crop]:
    """Write the poses of all pictures as CSV; return the windows by frame and view."""
    windows: dict[tuple[int, str], Crop] = {}
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for picture, window, pose in poses:
            writer.writerows(_rows(picture, pose, model.skeleton.joints))
            windows[picture.frame, view] = window
    return windows


def _findings(model: PoseModel, situation: Situation) -> tuple[str, ...]:
    if situation.detector is None or set(situation.detector.skeleton.joints) == set(model.skeleton.joints):
        return ()
    return (
        f"{situation.detector.name} has other joints than the network, which learned from windows around its own: "
        "take the detector that harvested, or windows will be wider or narrower than they should",
    )


def _nobody(pictures: PictureInput, situation: Situation) -> CaptureError:
    if situation.detector is None:
        return CaptureError(f"{pictures.path}: expected a box in one of the {len(pictures)} pictures, got none")
    name = situation.detector.name
    return NobodyFoundError(
        f"{pictures.path}: expected a person in one of the {len(pictures)} pictures, {name} found none"
    )


def _rows(picture: Picture, pose: PredictedPose, joints: Sequence[str]) -> Iterator[list[object]]:
    for index, joint in enumerate(joints):
        u, v = pose.pixels[index].tolist()
        point = ["", "", ""] if pose.points_mm is None else [f"{c:.2f}" for c in pose.points_mm[index].tolist()]
        yield [
            picture.frame,
            safe_cell(picture.name),
            safe_cell(joint),
            f"{u:.3f}",
            f"{v:.3f}",
            f"{float(pose.depth_mm[index]):.2f}",
            *point,
        ]
