"""The hands in the records of the one person: each wrist gets a small cube and a tree of its own, as the body has.

The body's part of a record stays as it is, to the last bit. A hand that fewer than two views show has no position: its
joints are marked as not supported, and stand at the wrist with the doubt of a whole hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import torch

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.harvesting.annotate import annotate, infer_each
from poseharvest.harvesting.hand_learning import Moments, hand_finder, wrist_numbers
from poseharvest.harvesting.hand_sightings import HandsInFrame, HandTally, Wrists
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.sighting_streams import PlacedRecord
from poseharvest.harvesting.subject import Subject
from poseharvest.localization.sighting import Sighting
from poseharvest.skeleton.hands import FINGER_JOINTS, HAND21

_UNSEEN_MM = 100.0  # standard deviation of a joint of a hand that nobody sees, about the wrist


def with_hands_of(
    job: Job, hands: Subject | None, placed: Iterable[PlacedRecord], tally: HandTally
) -> Iterator[PlacedRecord]:
    """Yield the records with the joints of both hands behind those of the body, in order.

    Args:
        job: the harvest.
        hands: what is known of the hands; None leaves all their joints unsupported.
        placed: the records of the body; the first one begins a batch of inference.
        tally: what was seen of hands before.
    """
    recorder = _Recorder(job, hands)
    for batch in _batches(placed):
        for one in recorder.add_to(batch):
            tally = tally.plus(HandTally() if one.hands is None else one.hands)
            yield replace(one, hands=tally)


def _batches(placed: Iterable[PlacedRecord]) -> Iterator[list[PlacedRecord]]:
    """Yield the records in the batches in which the body was inferred, so that a resumed harvest has the same ones."""
    batch: list[PlacedRecord] = []
    for one in placed:
        if one.position is not None and batch:
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


class _Recorder:
    """Adds the hands to records of the body."""

    def __init__(self, job: Job, hands: Subject | None) -> None:
        self._moments, self._hands = Moments(job), hands
        self._finder, self._wrists = hand_finder(job), wrist_numbers(job.detector.skeleton)
        self._model = None if hands is None else replace(job.learner, skeleton=HAND21).model(hands.shells)

    def add_to(self, batch: Sequence[PlacedRecord]) -> list[PlacedRecord]:
        """Return the records of a batch with their hands, and what was seen of these in each."""
        found = [self._look(one.record) for one in batch]
        sightings = [hand for one in found for hand in one.sightings if hand is not None]
        inferred = iter(self._infer(sightings))
        whole = []
        for one, seen in zip(batch, found, strict=True):
            body = one.record
            parts = [
                _unseen(body, wrist) if hand is None or self._hands is None else _fingers(next(inferred))
                for wrist, hand in zip(self._wrists, seen.sightings, strict=True)
            ]
            whole.append(replace(one, record=_joined(body, parts), hands=seen.tally))
        return whole

    def _look(self, record: FrameAnnotations) -> HandsInFrame:
        wrists = Wrists(record.mean[self._wrists], record.supported[self._wrists])
        return self._finder.look(self._moments.at(record.frame), wrists, record.crops)

    def _infer(self, sightings: Sequence[Sighting]) -> list[FrameAnnotations]:
        if self._hands is None or self._model is None:
            return []
        support = self._hands.support
        results = infer_each(self._model, sightings, support, self._hands.refinement)
        return [annotate(sighting, posterior, support=support) for sighting, posterior in results]


def part_of(record: FrameAnnotations, joints: slice) -> FrameAnnotations:
    """Return the record with some of its joints alone."""
    return replace(
        record,
        mean=record.mean[joints],
        cov=record.cov[joints],
        supported=record.supported[joints],
        pixels=record.pixels[:, joints],
        inside=record.inside[:, joints],
        score=record.score[:, joints],
        peak_pixels=record.peak_pixels[:, joints],
        peak_score=record.peak_score[:, joints],
    )


def _fingers(hand: FrameAnnotations) -> FrameAnnotations:
    """Return the record of a hand without its wrist, which is the body's."""
    return part_of(hand, slice(len(HAND21) - len(FINGER_JOINTS), None))


def _joined(body: FrameAnnotations, parts: Sequence[FrameAnnotations]) -> FrameAnnotations:
    every = (body, *parts)
    return replace(
        body,
        mean=torch.cat([one.mean for one in every]),
        cov=torch.cat([one.cov for one in every]),
        supported=torch.cat([one.supported for one in every]),
        pixels=torch.cat([one.pixels for one in every], 1),
        inside=torch.cat([one.inside for one in every], 1),
        score=torch.cat([one.score for one in every], 1),
        peak_pixels=torch.cat([one.peak_pixels for one in every], 1),
        peak_score=torch.cat([one.peak_score for one in every], 1),
    )


def _unseen(body: FrameAnnotations, wrist: int) -> FrameAnnotations:
    """Return the joints of a hand that nobody sees: at the wrist, with a doubt as large as a hand."""
    doubt = body.cov[wrist] + _UNSEEN_MM**2 * torch.eye(3, dtype=body.cov.dtype)
    count, views = len(FINGER_JOINTS), len(body.score)
    return replace(
        body,
        mean=body.mean[wrist].expand(count, 3).clone(),
        cov=doubt.expand(count, 3, 3).clone(),
        supported=torch.zeros(count, dtype=torch.bool),
        pixels=body.pixels[:, wrist : wrist + 1].expand(views, count, 2).clone(),
        inside=body.inside[:, wrist : wrist + 1].expand(views, count).clone(),
        score=torch.zeros((views, count), dtype=body.score.dtype),
        peak_pixels=torch.full((views, count, 2), torch.nan, dtype=body.peak_pixels.dtype),
        peak_score=torch.zeros((views, count), dtype=body.peak_score.dtype),
    )
