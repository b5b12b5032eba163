"""The pictures that an export names, and writing them from the capture."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from poseharvest.annotations.harvest_footage import checked_footage_of
from poseharvest.annotations.preview_pictures import preview_jpeg
from poseharvest.annotations.reader import Harvest
from poseharvest.arrays import Image
from poseharvest.capture.frames import FrameSource, MultiViewFrame, frames_showing
from poseharvest.errors import CaptureError, ConfigError
from poseharvest.export.export_options import is_within
from poseharvest.findings import Finding
from poseharvest.storage.columns import view_values
from poseharvest.storage.staging import file_name

_JPEG_QUALITY = 95
_SAME_PICTURE = 0.2
"""Mean difference, of 255, up to which two scaled pictures are the same. On footage of people it is 0 for the same
picture and 0.39 or more for the next one."""


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


def footage_of(harvest: Harvest, source: FrameSource | None, folder: Path | None) -> FrameSource:
    """Return the footage of a harvest: the one given, or the one that the harvest names, opened and checked.

    Args:
        harvest: the harvest.
        source: the footage, opened; None opens it.
        folder: where it lies now; None takes the place that the harvest names.

    Raises:
        CaptureError: the footage is not there any more, is damaged, or is other footage.
        ConfigError: the views of `source` are not the harvest's.
    """
    if source is not None:
        if source.rig.names != harvest.view_names:
            raise ConfigError(
                f'capture "{source.name}": expected the harvest\'s views {", ".join(harvest.view_names)}, '
                f"got {', '.join(source.rig.names)}"
            )
        return source
    return checked_footage_of(harvest, folder)


def write_images(
    harvest: Harvest, source: FrameSource, folder: Path, name_of: Callable[[str, int], str]
) -> tuple[Finding, ...]:
    """Write every picture that `listed_frames` names, at full size, in the format that its ending names.

    Args:
        harvest: the harvest.
        source: its footage.
        folder: takes the pictures.
        name_of: returns the name of a picture within the folder, by view and frame.

    Returns:
        Pictures that are not those which the harvest kept of the same frames.

    Raises:
        ConfigError: the ending is no picture format.
        CaptureError: the capture lacks a picture that the harvest has used.
    """
    found: list[Finding] = []
    for view, frame, image in harvested_pictures(harvest, source):
        _write_image(image, folder / name_of(view, frame))
        found += other_picture(harvest, view, frame, image)
    return tuple(found[:1])


def harvested_pictures(
    harvest: Harvest, source: FrameSource, start: int = 0, stop: int | None = None
) -> Iterator[tuple[str, int, Image]]:
    """Stream view, frame and picture of all that `listed_frames` names, in the frames `start` to `stop` (exclusive).

    Raises:
        CaptureError: the capture lacks a picture that the harvest has used.
    """
    wanted = [listed for listed in listed_frames(harvest) if is_within(listed.frame, start, stop)]
    for listed, moment in _moments(source, wanted):
        for view, image, present in zip(harvest.view_names, moment.images, listed.present, strict=True):
            if present and image is None:
                where = f"{view}, frame {moment.index}"
                raise CaptureError(f"{where}: expected the picture that was harvested, the capture has none")
            if present and image is not None:
                yield view, moment.index, image


def _moments(source: FrameSource, wanted: Sequence[ListedFrame]) -> Iterator[tuple[ListedFrame, MultiViewFrame]]:
    """Yield the frames that are wanted with their pictures; no others are decoded if the capture can leave them out."""
    following = deque(wanted)
    if not following:
        return
    frames, stop = {listed.frame for listed in wanted}, min(wanted[-1].frame + 1, source.num_frames)
    for moment in frames_showing(source, frames, wanted[0].frame, stop):
        if moment.index == following[0].frame:
            yield following.popleft(), moment
        if not following:
            return
    raise CaptureError(f'capture "{source.name}": expected the harvested frame {following[0].frame}, it has none')


def other_picture(harvest: Harvest, view: str, frame: int, image: Image) -> list[Finding]:
    """Return a warning if the harvest kept a picture of this view and frame, and it is another one."""
    path = harvest.preview(frame, view)
    kept = None if path is None else cv2.imread(str(path), cv2.IMREAD_COLOR)
    if kept is None:
        return []
    again = cv2.imdecode(np.frombuffer(preview_jpeg(image), np.uint8), cv2.IMREAD_COLOR)
    same_size = again is not None and again.shape == kept.shape
    differs = float(np.mean(cv2.absdiff(again, kept))) if again is not None and same_size else math.inf
    if differs <= _SAME_PICTURE:
        return []
    message = (
        f'view "{view}", frame {frame}: the picture in the footage is not the one that was harvested (they differ by '
        f"{differs:.1f} of 255 on average): labels may lie on pictures of another moment; expected the offsets and the "
        "frame rate of the harvest in capture.toml (sync --write puts offsets there)"
    )
    return [Finding("warning", "pictures", message)]


def as_jpeg(image: Image) -> bytes:
    """Return a picture (H, W, 3), RGB, as JPEG."""
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    return bytes(cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), options)[1].tobytes())


def _write_image(image: Image, path: Path) -> None:
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
