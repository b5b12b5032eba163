"""Inference of a stream of sightings, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import torch

from poseharvest.harvesting.memory import give_back_memory
from poseharvest.localization.track import Sighting
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.posterior import JointPosterior

T = TypeVar("T")

_TOGETHER = {"cpu": 4, "cuda": 16}  # a CPU gains nothing from more


def batched(items: Iterable[T], length: int) -> Iterator[list[T]]:
    """Yield the items in lists of `length`; the last one may be shorter."""
    stream = iter(items)
    while batch := list(islice(stream, length)):
        yield batch


def infer_each(
    model: PictorialStructures, sightings: Iterable[Sighting], device: str
) -> Iterator[tuple[Sighting, JointPosterior]]:
    """Yield every sighting with its posterior, in order; no more are in memory than are inferred together.

    Args:
        model: the subject's.
        sightings: taken as they are needed.
        device: where the model runs.
    """
    for together in batched(sightings, _TOGETHER.get(torch.device(device).type, 1)):
        posteriors = model.infer_many([sighting.evidence for sighting in together])
        give_back_memory()
        yield from zip(together, posteriors, strict=True)
