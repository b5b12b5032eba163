"""A film for a report from the footage, where the harvest keeps none: a harvest of keypoint files reads no pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from poseharvest.annotations.film import FilmWriter, can_encode, film_part_path, film_picture, plan_film
from poseharvest.annotations.harvest_footage import checked_footage_of
from poseharvest.annotations.info import FilmInfo
from poseharvest.annotations.reader import Harvest
from poseharvest.capture.frames import frames_showing
from poseharvest.errors import ConfigError
from poseharvest.progress import OnProgress, Progress, silent
from poseharvest.report.film_in_page import FilmInPage, fits_into_page


@dataclass(frozen=True)
class FootageFilm:
    """A film that is asked for.

    Attributes:
        long_side_px: longer side of each view's pictures.
        capture: the folder of the footage; None takes the place that the harvest names.
        on_progress: is called as frames are read.
    """

    long_side_px: int
    capture: Path | None = None
    on_progress: OnProgress = silent

    def __post_init__(self) -> None:
        if self.long_side_px < 1:
            raise ConfigError(f"--film-pixels: expected 1 or more, got {self.long_side_px}")

    @contextmanager
    def made(self, harvest: Harvest, frames: range) -> Iterator[FilmInPage]:
        """Yield the film of the frames of a harvest; its files exist as long as the context does.

        Raises:
            CaptureError: the footage is not there, is damaged, or is not that of the harvest.
            ConfigError: it cannot be encoded here.
        """
        if not can_encode():
            raise ConfigError("--film-pixels: this build of PyAV lacks the encoder libx264, which its wheels have")
        capture = checked_footage_of(harvest, self.capture)
        film = plan_film(harvest.rig, frames, capture.frame_rate, self.long_side_px)
        with TemporaryDirectory() as folder:
            writer = FilmWriter(Path(folder), film)
            for frame in frames_showing(capture, film.frames, frames.start, frames.stop):
                if frame.index in film.frames:
                    writer.add(frame.index, film_picture(film, frame.images))
                self.on_progress(Progress(frame.index + 1 - frames.start, len(frames), "reading the footage"))
            yield _in_page(writer.finish(), Path(folder))


def _in_page(film: FilmInfo, folder: Path) -> FilmInPage:
    parts = tuple(film_part_path(folder, index) for index in range(film.num_parts))
    return FilmInPage(film, parts, fits_into_page(parts))
