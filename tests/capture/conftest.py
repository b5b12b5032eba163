"""Films whose pictures show their own number, so that tests can check the synchronisation."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from poseharvest.arrays import Image, ImageSize

BITS = 8
TICKS_PER_SECOND = 12000


class Film:
    """Draws, writes and reads numbered pictures, by default wider than high."""

    size: ImageSize = (96, 160)

    def picture(self, number: int, size: ImageSize | None = None) -> Image:
        """The number as bright and dark blocks along the top, red below on the left, blue on the right."""
        height, width = size or self.size
        image = np.zeros((height, width, 3), dtype=np.uint8)
        for bit in range(BITS):
            image[: height // 2, bit * width // BITS : (bit + 1) * width // BITS] = 230 if number >> bit & 1 else 20
        image[height // 2 :, : width // 2] = (220, 30, 30)
        image[height // 2 :, width // 2 :] = (30, 30, 220)
        return image

    def number(self, image: Image | None) -> int | None:
        """The number that an upright picture shows."""
        if image is None:
            return None
        height, width = image.shape[:2]
        blocks = image[: height // 2].reshape(height // 2, BITS, width // BITS, 3)
        return sum(1 << bit for bit, value in enumerate(blocks.mean(axis=(0, 2, 3))) if value > 125)

    def write(
        self,
        path: Path,
        numbers: Sequence[int],
        *,
        rate: int = 30,
        times_s: Sequence[float] | None = None,
        codec: str = "libx264",
        rotation_deg: float | None = None,
        flip: bool = False,
        options: dict[str, str] | None = None,
        sizes: Sequence[ImageSize] | None = None,
    ) -> Path:
        """Film the `numbers` at `rate`, or at `times_s`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        time_base = Fraction(1, rate) if times_s is None else Fraction(1, TICKS_PER_SECOND)
        pts = range(len(numbers)) if times_s is None else [round(time * TICKS_PER_SECOND) for time in times_s]
        with av.open(str(path), "w", options=options or {}) as container:
            stream = container.add_stream(codec, rate=rate)
            stream.height, stream.width = self.size if sizes is None else sizes[0]
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.codec_context.time_base = time_base
            stream.codec_context.gop_size = 12
            if rotation_deg is not None or flip:
                stream.set_display_rotation(rotation_deg or 0, hflip=flip)
            for position, (number, stamp) in enumerate(zip(numbers, pts, strict=True)):
                size = self.size if sizes is None else sizes[position]
                frame = av.VideoFrame.from_ndarray(self.picture(number, size), format="rgb24")
                frame.pts, frame.time_base = stamp, time_base
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    def write_images(self, folder: Path, numbers: Sequence[int], name: str = "frame_{:04d}.png") -> Path:
        """Write pictures named by the number they show."""
        folder.mkdir(parents=True, exist_ok=True)
        for number in numbers:
            cv2.imwrite(str(folder / name.format(number)), self.picture(number)[..., ::-1])
        return folder

    def cut_at_picture(self, path: Path, position: int) -> Path:
        """Keep a video's bytes up to the middle of its stored picture number `position`."""
        with av.open(str(path)) as container:
            packet = next(itertools.islice(container.demux(video=0), position, None))
            end = packet.pos + packet.size // 2
        path.write_bytes(path.read_bytes()[:end])
        return path

    def cut(self, path: Path, share: float) -> Path:
        """Keep the first `share` of a file's bytes."""
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        return path


@pytest.fixture(scope="session")
def film() -> Film:
    """A maker of numbered pictures."""
    return Film()
