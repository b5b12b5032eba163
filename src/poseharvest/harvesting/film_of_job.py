"""The film of a harvest: which frames have small pictures in it, and the way of these pictures into the folder."""

from __future__ import annotations

from collections.abc import Iterator

from poseharvest.annotations.film import USUAL_LONG_SIDE_PX, FilmSink, can_encode, film_picture, plan_film
from poseharvest.annotations.info import FilmInfo
from poseharvest.capture.frames import MultiViewFrame, frames_showing
from poseharvest.findings import Finding
from poseharvest.harvesting.job import Job


def film_of_job(job: Job) -> FilmInfo | None:
    """Return the film of a harvest; None if its options ask for none, or it cannot be encoded here."""
    long_side_px = _long_side_px(job)
    if not long_side_px or not can_encode():
        return None
    return plan_film(job.capture.rig, range(job.options.start, job.stop), job.capture.frame_rate, long_side_px)


def film_findings(job: Job) -> list[Finding]:
    """Return a note if a film is asked for and cannot be encoded here."""
    if not _long_side_px(job) or can_encode():
        return []
    message = "no film of the frames was kept: this build of PyAV lacks the encoder libx264, which its wheels have"
    return [Finding("note", "film", message)]


def show_missed_frames(job: Job, film: FilmSink | None, start: int) -> None:
    """Read again the pictures from before frame `start` that were lost with an interrupted part of the film."""
    if film is None or film.next_frame >= start:
        return
    missed = range(film.next_frame, start, film.info.step)
    for frame in frames_showing(job.capture, missed, film.next_frame, start):
        show_frame(film, frame)


def show_frame(film: FilmSink | None, frame: MultiViewFrame) -> None:
    """Give the pictures of a frame to the film, if it wants them."""
    if film is None or frame.index < film.next_frame or frame.index not in film.info.frames:
        return
    film.add(frame.index, film_picture(film.info, frame.images))


def frames_of_film(film: FilmSink | None) -> Iterator[int]:
    """Yield the frames that the film still wants."""
    if film is not None:
        yield from (frame for frame in film.info.frames if frame >= film.next_frame)


def _long_side_px(job: Job) -> int:
    options = job.options
    if options.num_previews == 0:
        return 0
    if options.film_px is not None:
        return options.film_px
    return USUAL_LONG_SIDE_PX if job.detector.needs_images else 0
