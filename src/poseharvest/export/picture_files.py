"""The pictures that an export names, and writing them from the capture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from poseharvest.annotations.reader import Harvest
from poseharvest.arrays import Image
from poseharvest.capture.frames import FrameSource
from poseharvest.errors import CaptureError, ConfigError
from poseharvest.storage.columns import view_values
from poseharvest.storage.staging import file_name

_JPEG_QUALITY = 95


@dataclass(frozen=True)
class ListedFrame:
    """A frame with at least one person.

    Attributes:
        frame: index in the capture, from 0.
        time_s: seconds from the capture's start.
        present: for every view, whether someone was looked for in its picture.
    """

    frame: int
    time_s: float
    present: tuple[bool, ...]


def listed_frames(harvest: Harvest) -> Iterator[ListedFrame]:
    """Stream the frames of a harvest, each once however many persons are in it."""
    for frame, rows in groupby(_frame_rows(harvest), key=lambda row: row.frame):
        persons = list(rows)
        present = tuple(any(flags) for flags in zip(*(row.present for row in persons), strict=True))
        yield ListedFrame(frame, persons[0].time_s, present)


def image_name(pattern: str, view: str, frame: int) -> str:
    """Return the name of a picture, relative to the folder of pictures.

    Raises:
        ConfigError: the pattern has other fields than {view} and {frame}, lacks one, or leads out of the folder.
    """
    try:
        name = pattern.format(view=file_name(view), frame=frame)
        other_view, other_frame = pattern.format(view="_", frame=frame), pattern.format(view=view, frame=frame + 1)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise ConfigError(f'file_names: expected only the fields {{view}} and {{frame}}, got "{pattern}"') from error
    if name in {other_view, other_frame}:
        raise ConfigError(f'file_names: expected both {{view}} and {{frame}}, got "{pattern}"')
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ConfigError(f'file_names: expected names inside the folder of pictures, got "{pattern}"')
    return name


def write_images(harvest: Harvest, source: FrameSource, folder: Path, pattern: str) -> None:
    """Write every picture that `listed_frames` names, at full size, in the format that its ending names.

    Raises:
        ConfigError: the capture's views are not the harvest's, or the ending is no picture format.
        CaptureError: the capture lacks a picture that the harvest has used.
    """
    if source.rig.names != harvest.view_names:
        raise ConfigError(
            f'capture "{source.name}": expected the harvest\'s views {", ".join(harvest.view_names)}, '
            f"got {', '.join(source.rig.names)}"
        )
    wanted = listed_frames(harvest)
    following = next(wanted, None)
    for moment in source.frames():
        if following is None:
            return
        if moment.index != following.frame:
            continue
        for view, image, present in zip(harvest.view_names, moment.images, following.present, strict=True):
            if present:
                _write_image(image, folder / image_name(pattern, view, moment.index), f"{view}, frame {moment.index}")
        following = next(wanted, None)
    if following is not None:
        raise CaptureError(f'capture "{source.name}": expected the harvested frame {following.frame}, it has none')


def _write_image(image: Image | None, path: Path, where: str) -> None:
    if image is None:
        raise CaptureError(f"{where}: expected the picture that was harvested, the capture has none")
    if not cv2.haveImageWriter(path.name):
        raise ConfigError(f'file_names: expected the ending of a picture format, as in ".jpg", got "{path.name}"')
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if path.suffix.lower() in {".jpg", ".jpeg"} else []
    _, encoded = cv2.imencode(path.suffix, np.ascontiguousarray(image[..., ::-1]), options)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded.tobytes())


def _frame_rows(harvest: Harvest) -> Iterator[ListedFrame]:
    for table in harvest.frame_columns(["frame", "time", "views"]):
        present = view_values(table, len(harvest.info.views))["present"]
        columns: list[list[Any]] = [table.column(name).to_pylist() for name in ("frame", "time")]
        for frame, time_s, flags in zip(*columns, present.tolist(), strict=True):
            yield ListedFrame(frame, time_s, tuple(flags))
