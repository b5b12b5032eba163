"""The body of one subject in several captures: learned in a few of them, and used in all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile

from poseharvest.arrays import Image
from poseharvest.capture.frames import FrameSource, pictures_of
from poseharvest.detectors.protocol import HeatmapDetector, fit_to_footage
from poseharvest.errors import CaptureError, ConfigError
from poseharvest.harvesting.find_followed import find_followed
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.input_checks import audit_inputs, audit_subject
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.jumps import has_jumps
from poseharvest.harvesting.sighting_streams import sightings_of_one, warm_up
from poseharvest.harvesting.spool import SightingSpool
from poseharvest.harvesting.subject import SAME_BODY, Subject
from poseharvest.harvesting.teachers import collect_teachers
from poseharvest.harvesting.upright_detector import upright_detector
from poseharvest.progress import OnProgress, silent
from poseharvest.skeleton.limb_lengths import LimbLengths

MAX_TEACHERS = 5
"""In how many captures a body is learned at most; each costs as much as the first frames of its harvest."""


@dataclass(frozen=True)
class _NoPictures:
    """Takes pictures that nobody will look at."""

    film: None = None

    def add_preview(self, frame: int, view: str, image: Image, /) -> None:
        pass


@dataclass(frozen=True)
class SharedBody:
    """The limb lengths of one subject, by several captures.

    Attributes:
        lengths: of each limb the median over the captures that show it.
        differences: by the name of each capture, how much longer its limbs are, in the median: 0.1 is 10 %.
    """

    lengths: LimbLengths
    differences: Mapping[str, float]

    @property
    def others(self) -> tuple[str, ...]:
        """The captures whose limbs are so different that they may show another person."""
        return tuple(name for name, difference in self.differences.items() if abs(difference) > SAME_BODY)


def learn_subject(
    capture: FrameSource, detector: HeatmapDetector, options: HarvestOptions, on_progress: OnProgress | None = None
) -> Subject:
    """Return the subject of a capture, learned from the same frames as in its harvest, without harvesting.

    Args:
        capture: the footage with its cameras.
        detector: the 2D network, or a source of keypoints.
        options: of the harvest.
        on_progress: is called with what is being done.

    Raises:
        CaptureError: nobody is found, or no limb is seen whole.
        CalibrationError: the audit finds an error, and `ignore_audit` is not set.
        ConfigError: the frames do not follow one another.
    """
    fitted = fit_to_footage(detector, pictures_of(capture)).detector
    job = Job(capture, fitted, options, None, None, on_progress or silent)
    audit_inputs(job)
    if job.options.start >= capture.num_frames:
        raise CaptureError(
            f"{capture.name}: expected frame {job.options.start} to begin with, got {capture.num_frames}"
        )
    if options.moments or (options.moments is None and has_jumps(job)):
        raise ConfigError(f"{capture.name}: expected frames that follow one another, got moments")
    job = replace(job, detector=upright_detector(capture, fitted, options.start, job.stop).detector)
    job = replace(job, followed=find_followed(job))
    place = Path(capture.name)
    with (
        TemporaryFile(buffering=0) as scratch,
        TemporaryFile(buffering=0) as more,
        closing(sightings_of_one(job, _NoPictures())) as placed,
    ):
        first = SightingSpool(scratch, place)
        warm_up(job, placed, first)
        subject = job.learn(collect_teachers(job, first, SightingSpool(more, place)))
    audit_subject(job, subject)
    return subject


def share_body(subjects: Mapping[str, Subject]) -> SharedBody:
    """Return one body for several captures of one person.

    A length that is a guess, or rests on few frames, counts only where no capture shows the limb better.

    Args:
        subjects: the person as each capture shows them, one or more, with the same limbs.
    """
    limbs = tuple(next(iter(subjects.values())).lengths.mm)
    lengths = LimbLengths({limb: median(_best_known(list(subjects.values()), limb)) for limb in limbs})
    return SharedBody(lengths, {name: _difference(subject, lengths) for name, subject in subjects.items()})


def teachers_among(names: Sequence[str]) -> tuple[str, ...]:
    """Return the captures to learn from: at most `MAX_TEACHERS`, spread evenly.

    >>> teachers_among("abcdefghijk")
    ('a', 'c', 'f', 'h', 'k')
    """
    count = min(MAX_TEACHERS, len(names))
    return tuple(names[(len(names) - 1) * i // max(count - 1, 1)] for i in range(count))


def _best_known(subjects: Sequence[Subject], limb: tuple[str, str]) -> list[float]:
    name = "-".join(limb)
    lengths = [(name in subject.guessed, name in subject.few, subject.lengths.mm[limb]) for subject in subjects]
    best = min(one[:2] for one in lengths)
    return [length for guessed, few, length in lengths if (guessed, few) == best]


def _difference(subject: Subject, lengths: LimbLengths) -> float:
    doubtful = {*subject.guessed, *subject.few}
    ratios = [mm / lengths.mm[limb] for limb, mm in subject.lengths.mm.items() if "-".join(limb) not in doubtful]
    return median(ratios) - 1 if ratios else 0.0
