"""Inference of a stream of sightings, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from poseharvest.harvesting.memory import give_back_memory
from poseharvest.harvesting.support import Support
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.posterior import JointPosterior

T = TypeVar("T")

_TOGETHER = 16
_BATCHES_A_TRIM = 4  # giving memory back after every batch took a fifth of a harvest's time


def batched(items: Iterable[T], length: int) -> Iterator[list[T]]:
    """Yield the items in lists of `length`; the last one may be shorter."""
    stream = iter(items)
    while batch := list(islice(stream, length)):
        yield batch


def infer_each(
    model: PictorialStructures, sightings: Iterable[Sighting], support: Support | None = None
) -> Iterator[tuple[Sighting, JointPosterior]]:
    """Yield every sighting with its posterior, in order; no more are in memory than are inferred together.

    Args:
        model: the subject's.
        sightings: taken as they are needed.
        support: when a view shows a joint; what no view shows is not told to the model. Any peak does if None.
    """
    support = support or Support()
    for number, together in enumerate(batched(sightings, _TOGETHER), 1):
        posteriors = model.infer_many([support.without_background(sighting).evidence for sighting in together])
        if number % _BATCHES_A_TRIM == 0:
            give_back_memory()
        yield from zip(together, posteriors, strict=True)
