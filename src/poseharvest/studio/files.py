"""A studio capture on disk: footage and calibration as from a real rig, and the truth beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from poseharvest.arrays import Image, ImageSize
from poseharvest.calibration.native import write_rig
from poseharvest.capture.frames import FrameSource, MultiViewFrame
from poseharvest.errors import CaptureError, ConfigError
from poseharvest.simulation.scene import GroundTruth
from poseharvest.storage.staging import file_name

Footage = Literal["video", "images"]

_JPEG_QUALITY = 95
_CRF = "12"


def write_capture(source: FrameSource, folder: str | Path, *, footage: Footage = "video") -> Path:
    """Write a capture as a folder that `Capture.open` reads; return the folder.

    It holds `videos/VIEW.mp4` (or `images/VIEW/000000.jpg`) and `rig.json`. Video compression changes the pixels
    slightly. H.264 needs even sizes, so an odd last row or column is left out.

    Args:
        source: the capture; every view has a picture in every frame.
        folder: the folder to create; it must be empty if it exists.
        footage: "video" or "images".

    Raises:
        ConfigError: `footage` is neither, or a camera has a name that no file can have, such as `../x`.
        CaptureError: the folder is not empty, or a picture is missing.
    """
    folder = Path(folder)
    if footage not in {"video", "images"}:
        raise ConfigError(f'footage: expected video or images, got "{footage}"')
    if folder.exists() and any(folder.iterdir()):
        raise CaptureError(f"{folder}: expected an empty folder for the capture, it holds files")
    wrong = [name for name in source.rig.names if file_name(name) != name]
    if wrong:
        raise ConfigError(
            f"{folder}: expected names of cameras that a file can have, got {', '.join(map(ascii, wrong))}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (_write_videos if footage == "video" else _write_images)(source, folder)
    write_rig(source.rig, folder / "rig.json")
    return folder


def write_truth(truth: GroundTruth, path: str | Path) -> None:
    """Write true positions as the Parquet file for `poseharvest evaluate --truth`, best outside of the capture."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    num_frames, num_joints = truth.positions.shape[:2]
    columns: dict[str, object] = {
        "frame": [frame for frame in range(num_frames) for _ in range(num_joints)],
        "joint": list(truth.skeleton.joints) * num_frames,
    }
    for i, axis in enumerate("xyz"):
        columns[axis] = truth.positions[..., i].reshape(-1).numpy()
    pq.write_table(pa.table(columns), path)


def _write_images(source: FrameSource, folder: Path) -> None:
    for name in source.rig.names:
        (folder / "images" / name).mkdir(parents=True)
    for frame in source.frames():
        for name, image in _named_pictures(source, frame).items():
            path = folder / "images" / name / f"{frame.index:06d}.jpg"
            cv2.imwrite(str(path), image[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY))


def _write_videos(source: FrameSource, folder: Path) -> None:
    (folder / "videos").mkdir()
    with ExitStack() as stack:
        videos = {}
        for camera in source.rig:
            path = folder / "videos" / f"{camera.name}.mp4"
            videos[camera.name] = stack.enter_context(_video(path, camera.image_size, source.frame_rate))
        for frame in source.frames():
            for name, image in _named_pictures(source, frame).items():
                videos[name](image)


@contextmanager
def _video(path: Path, size: ImageSize, frame_rate: float) -> Iterator[Callable[[Image], None]]:
    """Yield a function that adds a picture to a video; the video is complete when the context ends."""
    import av

    rate = Fraction(frame_rate).limit_denominator(1001)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": _CRF, "preset": "veryfast"})
        stream.height, stream.width = (n - n % 2 for n in size)
        stream.pix_fmt = "yuv420p"

        def add(image: Image) -> None:
            even = np.ascontiguousarray(image[: stream.height, : stream.width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))

        yield add
        container.mux(stream.encode())


def _named_pictures(source: FrameSource, frame: MultiViewFrame) -> dict[str, Image]:
    pictures = {name: image for name, image in zip(source.rig.names, frame.images, strict=True) if image is not None}
    missing = [name for name in source.rig.names if name not in pictures]
    if missing:
        raise CaptureError(f"{source.name}: frame {frame.index} has no picture of {', '.join(missing)} to write")
    return pictures
