"""Footage of several cameras that are not calibrated yet: the same files, clock and offsets as a capture."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch

from poseharvest.capture.common_clock import Timeline
from poseharvest.capture.footage_audit import audit_footage
from poseharvest.capture.frames import MultiViewFrame, prefetch
from poseharvest.capture.settings import CaptureSettings, Offset, override_settings, read_settings
from poseharvest.capture.timing import audit_timing, make_timeline
from poseharvest.capture.view import choose_footage, make_views, open_footage
from poseharvest.capture.view_footage import Footage
from poseharvest.errors import CaptureError
from poseharvest.findings import Finding
from poseharvest.geometry.camera import Camera

_AHEAD_FRAMES = 2


@dataclass(frozen=True, eq=False)
class UncalibratedFootage:
    """Synchronised footage of several views without cameras. Open it with `UncalibratedFootage.open`.

    Attributes:
        folder: the folder of the footage.
        footage: the pictures of every view, in natural order of their names.
        timeline: the pictures of each frame.
        settings: the options, including those of `capture.toml`.
        findings: findings about footage and timing.
    """

    folder: Path
    footage: tuple[Footage, ...]
    timeline: Timeline
    settings: CaptureSettings
    findings: tuple[Finding, ...]

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        views: Sequence[str] | None = None,
        offsets: Mapping[str, float | str | Offset] | None = None,
    ) -> UncalibratedFootage:
        """Return the footage in a folder; `capture.toml` in it applies, but for what it says of a calibration.

        Args:
            path: a folder with `videos/NAME.mp4` or `images/NAME/*.jpg`, and perhaps `capture.toml`.
            views: names of the views to use; None uses all.
            offsets: by view, the time to add to its time stamps: seconds, or a text such as "3 frames".

        Raises:
            CaptureError: footage is missing or damaged, or at no time do two views overlap.
            ConfigError: `capture.toml` or an argument is wrong.
        """
        folder = Path(path)
        settings = override_settings(read_settings(folder), {"views": views, "offsets": offsets})
        footage = open_footage(choose_footage(folder, settings), settings)
        stand_ins = make_views(footage, [_stand_in(one) for one in footage], settings)
        timeline = make_timeline(stand_ins, settings)
        findings = (*audit_footage(footage), *audit_timing(stand_ins, timeline, settings))
        return cls(folder, footage, timeline, settings, findings)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the views."""
        return tuple(one.name for one in self.footage)

    @property
    def num_frames(self) -> int:
        """Number of frames, from the first to the last moment with at least two running views."""
        return self.timeline.num_frames

    def frames(self, numbers: Sequence[int]) -> Generator[MultiViewFrame, None, None]:
        """Stream the frames of these numbers, which increase.

        Raises:
            CaptureError: a number is not of a frame, or a picture cannot be decoded.
        """
        if any(not 0 <= number < self.num_frames for number in numbers):
            raise CaptureError(f"{self.folder}: expected frames from 0 to {self.num_frames - 1}, got {max(numbers)}")
        chosen = list(numbers)
        sources = [
            one.read(pictures[chosen]) for one, pictures in zip(self.footage, self.timeline.pictures, strict=True)
        ]
        with closing(prefetch(sources, depth=_AHEAD_FRAMES)) as pictures_of_frames:
            for number, images in zip(chosen, pictures_of_frames, strict=True):
                of_views = tuple(int(picture) for picture in self.timeline.pictures[:, number])
                yield MultiViewFrame(number, number / self.timeline.frame_rate, images, of_views)


def _stand_in(footage: Footage) -> Camera:
    """Return a camera that stands for one that is not known; the clock of a capture asks for none of its numbers."""
    height, width = footage.image_size
    matrix = torch.tensor(((width, 0, width / 2), (0, width, height / 2), (0, 0, 1)), dtype=torch.float64)
    zero = torch.zeros(3, dtype=torch.float64)
    return Camera(footage.name, footage.image_size, matrix, torch.eye(3, dtype=torch.float64), zero)
