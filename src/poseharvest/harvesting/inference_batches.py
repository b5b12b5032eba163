"""Inference of a stream of sightings, some at a time."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from typing import TypeVar

from poseharvest.harvesting.support import Support
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.posterior import JointPosterior
from poseharvest.refinement.refine import Refinement

T = TypeVar("T")

TOGETHER = 16
"""Number of sightings in a batch."""

_BATCHES_A_TRIM = 4  # giving memory back after every batch took a fifth of a harvest's time


def batched(items: Iterable[T], length: int) -> Iterator[list[T]]:
    """Yield the items in lists of `length`; the last one may be shorter."""
    stream = iter(items)
    while batch := list(islice(stream, length)):
        yield batch


def infer_each(
    model: PictorialStructures,
    sightings: Iterable[Sighting],
    support: Support | None = None,
    refinement: Refinement | None = None,
) -> Iterator[tuple[Sighting, JointPosterior]]:
    """Yield every sighting with its posterior, in order; only one batch is in memory at a time.

    Args:
        model: the subject's model.
        sightings: read one batch at a time.
        support: when a view shows a joint. The heatmaps of joints that no view shows are set to 0. If None, every
            peak above 0 shows its joint.
        refinement: what places joints between the voxels. If None, the moments of the marginals stay (the paper).
    """
    support = support or Support()
    for number, together in enumerate(batched(sightings, TOGETHER), 1):
        frames = [support.without_background(sighting).evidence for sighting in together]
        posteriors = model.infer_many(frames)
        if refinement is not None:
            posteriors = refinement.refine(frames, posteriors)
        if number % _BATCHES_A_TRIM == 0:
            give_back_memory()
        yield from zip(together, posteriors, strict=True)


def give_back_memory() -> None:
    """Give freed memory that the C library still holds back to the system; without glibc nothing happens.

    The sums over voxels free tens of megabytes a batch, in pieces of different sizes. glibc keeps the pieces for later
    use, but fewer and fewer of them fit. So the memory of the process would grow with its running time.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim
