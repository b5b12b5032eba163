"""A recording for the viewer of Rerun: poses, their uncertainty, cameras and 2D overlays on one timeline.

| entity | content |
|---|---|
| `world/people/person_N` | supported joints of each frame alone, with limbs; grey where not selected |
| `world/people/person_N/uncertainty` | ellipsoids of the covariances, recalibrated where the harvest is |
| `world/people/person_N/smooth` | positions that are smoothed over time |
| `world/cameras/VIEW` | the camera; its pictures, if asked for |
| `world/cameras/VIEW/person_N` | projections into the picture as it was filmed, with lens distortion |
| `findings` | what a person should know of the harvest |

Timelines are `frame` (from 0) and `time`. Rerun's pixels count from the picture's corner, so half a pixel is added to
ours; its cameras have no lens distortion, so that overlays in the 2D views are exact and frustums are nearly so. A
person who is not found in a frame is cleared there.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import SelectedFrame
from poseharvest.capture.frames import FrameSource
from poseharvest.errors import ConfigError
from poseharvest.export.c3d import Axis
from poseharvest.export.export_options import check_choice, check_frames, is_within
from poseharvest.export.exporter import Exporter
from poseharvest.export.picture_files import as_jpeg, footage_of, harvested_pictures, other_picture
from poseharvest.findings import Finding
from poseharvest.geometry.camera import Camera, MovingCamera
from poseharvest.units import LengthUnit, mm_per

_UP: Final = {
    "x": "RIGHT_HAND_X_UP",
    "-x": "RIGHT_HAND_X_DOWN",
    "y": "RIGHT_HAND_Y_UP",
    "-y": "RIGHT_HAND_Y_DOWN",
    "z": "RIGHT_HAND_Z_UP",
    "-z": "RIGHT_HAND_Z_DOWN",
}
_COLOURS: Final = ((46, 134, 222), (231, 111, 81), (42, 157, 143), (233, 196, 106), (155, 93, 229), (241, 91, 181))
_GREY: Final = (150, 150, 150)
_LITTLE_ROOM = 1 << 20
_RADIUS_MM, _RADIUS_PX, _FRUSTUM_MM = 12.0, 4.0, 300.0


@dataclass(frozen=True)
class RerunOptions:
    """How to write a recording for Rerun.

    Attributes:
        unit: of positions; the viewer's speeds and sizes are made for m.
        up: the world's axis that points up; nothing is turned.
        num_sigmas: half axes of the ellipsoids, in standard deviations.
        pictures: write the pictures as well, as JPEG.
        start: the capture's first frame to write, from 0.
        stop: the frame before which to stop; None is the end of the capture.
        capture: folder of the footage; None is the place that the harvest names.
        source: the footage, opened, to write the pictures of.
    """

    unit: LengthUnit = "m"
    up: Axis = "z"
    num_sigmas: float = 2.0
    pictures: bool = False
    start: int = 0
    stop: int | None = None
    capture: Path | None = None
    source: FrameSource | None = None

    def __post_init__(self) -> None:
        mm_per(self.unit)
        check_choice("up", self.up, tuple(_UP))
        check_frames(self.start, self.stop)
        if not self.num_sigmas > 0:
            raise ConfigError(f"num_sigmas: expected more than 0, got {self.num_sigmas}")


def write_rerun(harvest: Harvest, path: Path, options: RerunOptions) -> tuple[Finding, ...]:
    """Write the harvest as a recording, streaming.

    Returns:
        That nobody is in these frames, cameras that the viewer cannot show, and pictures that are not those which were
        harvested.

    Raises:
        ConfigError: rerun-sdk is missing, or the capture given is not the harvest's.
        CaptureError: the footage is not there, or lacks a picture.
    """
    try:
        import rerun
    except ImportError as error:
        raise ConfigError("Rerun: writing needs rerun-sdk: pip install 'poseharvest[rerun]'") from error
    has_pictures = options.pictures or options.source is not None
    source = footage_of(harvest, options.source, options.capture) if has_pictures else None
    recording = rerun.RecordingStream("poseharvest")
    recording.save(str(path), default_blueprint=_views(harvest))
    scene = _Scene(harvest, options, recording)
    scene.describe()
    num_frames = scene.write_people()
    findings = list(scene.findings())
    if source is not None:
        findings += scene.write_pictures(source)
    _close(recording, path)
    if not num_frames:
        message = "nobody is in these frames: the recording is empty; change --start or --stop"
        findings.append(Finding("warning", "frames", message))
    return tuple(findings)


@dataclass(frozen=True, eq=False)
class _Scene:
    """What is written, by what, into which recording."""

    harvest: Harvest
    options: RerunOptions
    recording: Any

    def describe(self) -> None:
        """Write all that does not change: joints and limbs, the axis that points up, still cameras, and findings."""
        import rerun

        skeleton = self.harvest.skeleton
        limbs = [(skeleton.index(limb.parent), skeleton.index(limb.child)) for limb in skeleton.limbs]
        classes = [
            rerun.ClassDescription(
                info=rerun.AnnotationInfo(id=colour, label=f"colour {colour}", color=_COLOURS[colour]),
                keypoint_annotations=[rerun.AnnotationInfo(id=i, label=name) for i, name in enumerate(skeleton.joints)],
                keypoint_connections=limbs,
            )
            for colour in range(len(_COLOURS))
        ]
        self.recording.log("/", rerun.AnnotationContext(classes), static=True)
        self.recording.log("world", getattr(rerun.ViewCoordinates, _UP[self.options.up]), static=True)
        lines = [f"- {finding.severity}: {finding.message}" for finding in self.harvest.info.findings]
        text = "\n".join(lines) or "no findings"
        self.recording.log("findings", rerun.TextDocument(text, media_type="text/markdown"), static=True)
        for camera in self.harvest.rig:
            if not isinstance(camera, MovingCamera):
                self._write_camera(camera, static=True)

    def findings(self) -> Iterator[Finding]:
        """Yield a note if a camera has no frustum."""
        names = [f'"{camera.name}"' for camera in self.harvest.rig if not isinstance(camera, Camera | MovingCamera)]
        if names:
            message = f"no frustum is shown of the cameras without perspective: {', '.join(names)}"
            yield Finding("note", "cameras", message)

    def write_people(self) -> int:
        """Write everybody in every frame, and return the number of frames."""
        num_frames, before, there = 0, -1, set[int]()
        for frame, group in groupby(self.harvest.iter_selected(), key=lambda row: row.annotations.frame):
            if not is_within(frame, self.options.start, self.options.stop):
                continue
            rows = list(group)
            people = {row.annotations.person for row in rows}
            if there and frame > before + 1:
                self._set_time(before + 1)
                self._clear(there)
                there = set()
            self._set_time(frame)
            self._clear(there - people)
            for camera in self.harvest.rig:
                if isinstance(camera, MovingCamera):
                    self._write_camera(camera.at(frame), static=False)
            for row in rows:
                self._write_person(row)
            num_frames, before, there = num_frames + 1, frame, people
        return num_frames

    def write_pictures(self, source: FrameSource) -> tuple[Finding, ...]:
        """Write the pictures of the frames that are written; return what is odd about them."""
        import rerun

        found: list[Finding] = []
        pictures = harvested_pictures(self.harvest, source, self.options.start, self.options.stop)
        for view, frame, image in pictures:
            self._set_time(frame)
            encoded = rerun.EncodedImage(contents=as_jpeg(image), media_type="image/jpeg")
            self.recording.log(_camera_path(view), encoded)
            found += other_picture(self.harvest, view, frame, image)
        return tuple(found[:1])

    def _set_time(self, frame: int) -> None:
        self.recording.set_time("frame", sequence=frame)
        self.recording.set_time("time", duration=frame / self.harvest.info.capture.frame_rate)

    def _clear(self, people: set[int]) -> None:
        import rerun

        for person in sorted(people):
            self.recording.log(f"world/people/person_{person}", rerun.Clear(recursive=True))
            for view in self.harvest.view_names:
                self.recording.log(f"{_camera_path(view)}/person_{person}", rerun.Clear(recursive=True))

    def _write_person(self, row: SelectedFrame) -> None:
        import rerun

        record, per_unit = row.annotations, mm_per(self.options.unit)
        place, colour = f"world/people/person_{record.person}", record.person % len(_COLOURS)
        shown = torch.nonzero(record.supported)[:, 0]
        colours = _colours(row.selected[shown], _COLOURS[colour])
        keypoints = {"class_ids": colour, "keypoint_ids": shown.numpy(), "colors": colours, "show_labels": False}
        points = record.mean[shown].numpy() / per_unit
        self.recording.log(place, rerun.Points3D(points, radii=_RADIUS_MM / per_unit, **keypoints))
        axes, turns = ellipsoids(row.calibrated_cov[shown])
        half_sizes = axes * self.options.num_sigmas / per_unit
        ellipses = rerun.Ellipsoids3D(half_sizes=half_sizes, centers=points, quaternions=turns, colors=colours)
        self.recording.log(f"{place}/uncertainty", ellipses)
        smooth = torch.nonzero(row.smooth.has_position)[:, 0]
        if len(smooth):
            track = {"class_ids": colour, "keypoint_ids": smooth.numpy(), "show_labels": False}
            positions = row.smooth.mean[smooth].numpy() / per_unit
            self.recording.log(f"{place}/smooth", rerun.Points3D(positions, radii=_RADIUS_MM / per_unit, **track))
        for number, view in enumerate(self.harvest.view_names):
            inside = torch.nonzero(record.inside[number] & record.supported)[:, 0]
            drawn = {"class_ids": colour, "keypoint_ids": inside.numpy(), "show_labels": False}
            pixels = record.pixels[number, inside].numpy() + 0.5
            tones = _colours(row.selected[inside], _COLOURS[colour])
            overlay = rerun.Points2D(pixels, radii=_RADIUS_PX, colors=tones, **drawn)
            self.recording.log(f"{_camera_path(view)}/person_{record.person}", overlay)

    def _write_camera(self, camera: Any, *, static: bool) -> None:
        import rerun

        if not isinstance(camera, Camera):
            return
        per_unit, (height, width) = mm_per(self.options.unit), camera.image_size
        place = rerun.Transform3D(translation=camera.center.numpy() / per_unit, mat3x3=camera.rotation.T.numpy())
        matrix = camera.px_from_cam.numpy() + np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
        lens = rerun.Pinhole(
            image_from_camera=matrix,
            resolution=[width, height],
            camera_xyz=rerun.ViewCoordinates.RDF,
            image_plane_distance=_FRUSTUM_MM / per_unit,
        )
        self.recording.log(_camera_path(camera.name), place, static=static)
        self.recording.log(_camera_path(camera.name), lens, static=static)


def _close(recording: Any, path: Path) -> None:
    """End the file.

    Raises:
        OSError: not everything could be written; the library writes in a thread of its own, which only logs it.
    """
    try:
        recording.flush()
        size = path.stat().st_size
        recording.disconnect()
        is_whole = path.stat().st_size > size  # the end of the recording
    except RuntimeError:
        is_whole = False
    if not is_whole:
        has_room = shutil.disk_usage(path.parent).free > _LITTLE_ROOM
        number = errno.EIO if has_room else errno.ENOSPC
        raise OSError(number, os.strerror(number))


def ellipsoids(cov: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the half axes (N, 3) of one standard deviation, and turns (N, 4), quaternions x, y, z, w.

    Args:
        cov: (N, 3, 3) covariances.
    """
    values, vectors = np.linalg.eigh(cov.numpy())
    vectors[..., 0] *= np.sign(np.linalg.det(vectors))[..., None]  # a rotation, no mirror image
    turns = Rotation.from_matrix(vectors).as_quat() if len(vectors) else np.zeros((0, 4))
    return np.sqrt(np.maximum(values, 0)), turns


def _views(harvest: Harvest) -> Any:
    """Return what the viewer shows at first: the room, and the picture of every view, by frame."""
    from rerun import blueprint

    pictures = [blueprint.Spatial2DView(origin=_camera_path(view), name=view) for view in harvest.view_names]
    room = blueprint.Spatial3DView(origin="world", name=harvest.info.capture.name)
    return blueprint.Blueprint(
        blueprint.Horizontal(room, blueprint.Grid(*pictures)), blueprint.TimePanel(timeline="frame")
    )


def _camera_path(view: str) -> str:
    """Return the entity of a view."""
    import rerun

    return f"world/cameras/{rerun.escape_entity_path_part(view)}"


def _colours(selected: Tensor, colour: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    return [colour if is_selected else _GREY for is_selected in selected.tolist()]


EXPORTER = Exporter(
    name="rerun",
    description="a recording for Rerun's viewer: poses, ellipsoids, cameras and overlays on a timeline",
    options=RerunOptions,
    write=write_rerun,
)
