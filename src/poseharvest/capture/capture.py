"""A real capture: a folder of synchronised footage and its calibration, streamed frame by frame."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from poseharvest.calibration.rig_audit import audit_rig
from poseharvest.capture.cameras import CalibratedRig, fit_rig, locate_calibration, read_rig_for
from poseharvest.capture.common_clock import Timeline
from poseharvest.capture.fingerprints import fingerprint
from poseharvest.capture.footage_audit import audit_footage
from poseharvest.capture.frames import CaptureFacts, MultiViewFrame, ViewPictures, prefetch
from poseharvest.capture.picture_folder import ImageFolder
from poseharvest.capture.settings import CaptureSettings, Offset, override_settings, read_settings, timing_of
from poseharvest.capture.timing import audit_timing, make_timeline
from poseharvest.capture.view import View, choose_footage, make_views, open_footage
from poseharvest.errors import CaptureError
from poseharvest.findings import Finding
from poseharvest.geometry.rig import Rig
from poseharvest.units import LengthUnit

_AHEAD_BYTES = 128 * 2**20
_MAX_AHEAD_FRAMES = 8


@dataclass(frozen=True, eq=False)
class Capture:
    """Calibrated, synchronised footage of several views: a `FrameSource`. Open it with `Capture.open`.

    Attributes:
        folder: the folder of the capture.
        views: cameras with their footage, in natural order of their names.
        timeline: the pictures of each frame.
        settings: its options, including those of `capture.toml`.
        calibration: the calibration file; None if a rig was given.
        findings: findings about footage, calibration and timing. The caller must handle an "error" among them.
        unit: the unit of length of the calibration file; None if a rig was given.
    """

    folder: Path
    views: tuple[View, ...]
    timeline: Timeline
    settings: CaptureSettings
    calibration: Path | None
    findings: tuple[Finding, ...]
    unit: LengthUnit | None = None

    @classmethod
    def open(  # noqa: PLR0913 - the independent options of a capture
        cls,
        path: str | Path,
        *,
        calibration: str | Path | Rig | None = None,
        unit: LengthUnit | None = None,
        views: Sequence[str] | None = None,
        offsets: Mapping[str, float | str | Offset] | None = None,
        rotate: int | str | Mapping[str, int] | None = None,
        scale: float | str | Mapping[str, float] | None = None,
        settings: CaptureSettings | None = None,
    ) -> Capture:
        """Return the capture in a folder. It reads the packets of every video once and decodes one picture of each.

        Args:
            path: a folder with `videos/NAME.mp4` or `images/NAME/*.jpg`, a calibration, and perhaps `capture.toml`.
            calibration: the calibration file, or the rig itself; if None, the only calibration in the folder.
            unit: the unit of length of the calibration, if its format does not define it.
            views: names of the views to use; None uses all.
            offsets: by view, the time to add to its time stamps: seconds, or a text such as "3 frames".
            rotate: turn of the footage relative to the calibrated pictures, in degrees clockwise, for all views or by
                view. The intrinsics are turned in the same way.
            scale: size of the footage divided by that of the calibrated pictures, for all views or by view.
            settings: replaces `capture.toml`; the arguments above have priority over both.

        Raises:
            CaptureError: footage is missing or damaged, or at no time do two views overlap.
            CalibrationError: the calibration is missing, ambiguous, or does not fit the footage.
            ConfigError: `capture.toml` or an argument is wrong.
        """
        folder = Path(path)
        file = None if isinstance(calibration, Rig) else calibration
        overrides = {
            "calibration": file,
            "unit": unit,
            "views": views,
            "offsets": offsets,
            "rotate": rotate,
            "scale": scale,
        }
        options = override_settings(settings or read_settings(folder), overrides)
        paths = choose_footage(folder, options)
        notes: list[str] = []
        source = calibration if isinstance(calibration, Rig) else locate_calibration(folder, options, notes.append)
        footage = open_footage(paths, options)
        calibrated = CalibratedRig(source) if isinstance(source, Rig) else read_rig_for(source, footage, options)
        fitted = fit_rig(calibrated.rig, footage, options)
        capture_views = make_views(footage, fitted.rig.cameras, options)
        timeline = make_timeline(capture_views, options)
        findings = (
            *audit_footage(footage),
            *(Finding("note", "calibration", note) for note in notes),
            *calibrated.findings,
            *fitted.findings,
            *audit_rig(fitted.rig, unit=calibrated.unit),
            *audit_timing(capture_views, timeline, options),
        )
        file = source if isinstance(source, Path) else None
        return cls(folder, capture_views, timeline, options, file, findings, calibrated.unit)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The findings as lines of text."""
        return tuple(finding.message for finding in self.findings)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def facts(self) -> CaptureFacts:
        """Known facts about the capture; the turn is that of `capture.toml`."""
        lags_s = {
            view.name: float(np.median(errors_s))
            for number, view in enumerate(self.views)
            if len(errors_s := self.timeline.time_errors_s(number, view.times_s))
        }
        timing = timing_of(self.settings)
        return CaptureFacts(self.folder, self.unit, self.settings.turn, self.findings, timing, lags_s)

    @property
    def rig(self) -> Rig:
        """The cameras, with the names and image sizes of the footage."""
        return Rig(tuple(view.camera for view in self.views))

    @cached_property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.timeline.frame_rate

    @cached_property
    def num_frames(self) -> int:
        """Number of frames, from the first to the last moment with at least two running views."""
        return self.timeline.num_frames

    @property
    def view_pictures(self) -> tuple[ViewPictures, ...]:
        """The numbering of the pictures of every view, in rig order."""
        return tuple(self._pictures_of(number, view) for number, view in enumerate(self.views))

    def _pictures_of(self, number: int, view: View) -> ViewPictures:
        numbers = self.timeline.pictures[number]
        frames = np.flatnonzero(numbers >= 0)
        lead = int(frames[0] - numbers[frames[0]]) if len(frames) else 0
        names = tuple(path.stem for path in view.footage.files) if isinstance(view.footage, ImageFolder) else None
        return ViewPictures(view.name, len(view.footage.times_s), names, lead)

    @cached_property
    def fingerprints(self) -> Mapping[str, Mapping[str, int | str]]:
        """What tells the footage of each view from any other: sizes, and a hash of the first and last bytes."""
        return {view.name: fingerprint(view.footage) for view in self.views}

    def __getstate__(self) -> dict[str, Any]:
        """Return what goes to another process: the fields, since that process looks at its own files."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.num_frames / self.frame_rate

    def frames(self, start: int = 0, stop: int | None = None) -> Generator[MultiViewFrame, None, None]:
        """Stream the frames `start` to `stop` (exclusive, the end if None or beyond it) in order.

        Threads decode a few frames ahead of the caller, up to 128 MiB of pictures. They stop when the iterator ends, is
        closed or is deleted. Memory does not grow with the number of frames.

        Raises:
            CaptureError: a negative `start` or `stop`; or, while streaming, a picture that cannot be decoded.
        """
        return self._stream(self._range(start, stop))

    def frames_showing(
        self, shown: Collection[int], start: int = 0, stop: int | None = None
    ) -> Generator[MultiViewFrame, None, None]:
        """Stream the frames as `frames` does, with pictures only in the frames whose numbers are in `shown`.

        The other frames have None in place of every picture, and are decoded only where a shown one needs it.

        Raises:
            CaptureError: as `frames`.
        """
        return self._stream(self._range(start, stop), shown)

    def _range(self, start: int, stop: int | None) -> range:
        end = self.num_frames if stop is None else min(stop, self.num_frames)
        if start < 0 or end < 0:
            raise CaptureError(f"{self.folder}: expected frames from 0 to {self.num_frames}, got {start} to {stop}")
        return range(start, max(start, end))

    def _stream(self, numbers: range, shown: Collection[int] | None = None) -> Generator[MultiViewFrame, None, None]:
        decoded = [number for number in numbers if shown is None or number in shown]
        sources = [
            view.footage.read(pictures[decoded])
            for view, pictures in zip(self.views, self.timeline.pictures, strict=True)
        ]
        nothing = (None,) * len(self.views)
        with closing(prefetch(sources, depth=self._depth())) as pictures_of_decoded:
            for number in numbers:
                images = next(pictures_of_decoded) if shown is None or number in shown else nothing
                of_views = tuple(int(picture) for picture in self.timeline.pictures[:, number])
                yield MultiViewFrame(index=number, time_s=number / self.frame_rate, images=images, numbers=of_views)

    def _depth(self) -> int:
        frame_bytes = sum(3 * view.image_size[0] * view.image_size[1] for view in self.views)
        return max(1, min(_MAX_AHEAD_FRAMES, _AHEAD_BYTES // frame_bytes))
