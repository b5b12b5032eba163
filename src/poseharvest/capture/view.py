"""The views of a capture: the footage and camera of each, and its time on the common clock."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poseharvest.arrays import ImageSize
from poseharvest.capture.chapters import join_chapters
from poseharvest.capture.common_clock import MIN_VIEWS
from poseharvest.capture.discover import chapters, find_footage
from poseharvest.capture.picture_folder import open_image_folders
from poseharvest.capture.settings import CaptureSettings
from poseharvest.capture.video import open_video_view
from poseharvest.capture.view_footage import Footage
from poseharvest.errors import CaptureError
from poseharvest.geometry.camera import CameraModel

DEFAULT_IMAGE_RATE = 30.0


@dataclass(frozen=True, eq=False)
class View:
    """One camera of a capture with its footage.

    Attributes:
        camera: the camera, with the name of the footage.
        footage: its pictures.
        shift_s: time to add to the time stamps of the footage, for the common clock of the capture, seconds.
        clock_rate: seconds of the common clock for each second of the time stamps, before the shift.
    """

    camera: CameraModel
    footage: Footage
    shift_s: float
    clock_rate: float = 1.0

    @property
    def name(self) -> str:
        """The view's name."""
        return self.footage.name

    @property
    def image_size(self) -> ImageSize:
        """(height, width) of its pictures."""
        return self.footage.image_size

    @property
    def frame_rate(self) -> float:
        """Pictures per second of this view, by its own time stamps."""
        return self.footage.frame_rate

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(N,) time stamps of all its pictures on the common clock, seconds."""
        return np.asarray(self.footage.times_s * self.clock_rate + self.shift_s, dtype=np.float64)


def choose_footage(folder: Path, settings: CaptureSettings) -> dict[str, Path]:
    """Return the video or folder of pictures of every view that the settings select, in natural order.

    Raises:
        CaptureError: there is no footage, a selected view has none, or fewer than two views remain.
    """
    paths = find_footage(folder, settings.footage)
    selected = settings.views
    unknown = [name for name in selected or () if name not in paths]
    if unknown:
        raise CaptureError(
            f"{folder}: expected views with footage ({', '.join(paths)}), got without: {', '.join(unknown)}"
        )
    paths = {name: path for name, path in paths.items() if selected is None or name in selected}
    if len(paths) < MIN_VIEWS:
        raise CaptureError(f"{folder}: expected at least two views, got {len(paths)} ({', '.join(paths) or 'none'})")
    return paths


def open_footage(paths: Mapping[str, Path], settings: CaptureSettings) -> tuple[Footage, ...]:
    """Return the footage of every view.

    Raises:
        CaptureError: a file is damaged, or its content does not match its suffix.
    """
    if all(path.is_file() for path in paths.values()):
        return _open_videos(paths, settings)
    rate = settings.image_rate or settings.frame_rate or DEFAULT_IMAGE_RATE
    return open_image_folders(paths, frame_rate=rate, on_damage=settings.on_damage)


def _open_videos(paths: Mapping[str, Path], settings: CaptureSettings) -> tuple[Footage, ...]:
    threads = max(1, (os.cpu_count() or 1) // len(paths))  # per view, if there are more cores than views

    def opened(name: str) -> Footage:
        return join_chapters([
            open_video_view(name, path, on_damage=settings.on_damage, decoder_threads=threads)
            for path in chapters(paths[name])
        ])

    with ThreadPoolExecutor(thread_name_prefix="poseharvest-open") as executor:
        return tuple(executor.map(opened, paths))


def make_views(
    footage: Sequence[Footage], cameras: Sequence[CameraModel], settings: CaptureSettings
) -> tuple[View, ...]:
    """Return the views with their time shifts.

    Raises:
        CaptureError: there is an offset or a clock rate for a view that does not exist.
    """
    names = [one.name for one in footage]
    for key, named in (("offsets", settings.offsets), ("clock_rates", settings.clock_rates)):
        unknown = [name for name in named if name not in names]
        if unknown:
            raise CaptureError(f"{key}: expected views of {', '.join(names)}, got {', '.join(unknown)}")
    return tuple(_view(camera, one, settings) for one, camera in zip(footage, cameras, strict=True))


def _view(camera: CameraModel, footage: Footage, settings: CaptureSettings) -> View:
    offset = settings.offsets.get(footage.name)
    rate = settings.clock_rates.get(footage.name, 1.0)
    zero_s = float(footage.times_s[0]) * rate if settings.time_zero == "first_picture" else 0.0
    return View(camera, footage, (0.0 if offset is None else offset.seconds(footage.frame_rate)) - zero_s, rate)
