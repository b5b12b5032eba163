"""Which samples make up which step: from numbers alone, so that nothing has to be remembered."""

from __future__ import annotations

import math

import numpy as np


def steps_per_epoch(num_samples: int, batch_size: int) -> int:
    """Return the number of steps in which every sample is seen."""
    return math.ceil(num_samples / batch_size)


def samples_of_step(num_samples: int, batch_size: int, *, seed: int, epoch: int, step: int) -> list[int]:
    """Return the samples of one step of an epoch, `batch_size` of them.

    Every sample comes once an epoch, in an order that depends on seed and epoch; the last step is filled up with the
    first ones.
    """
    order = np.random.default_rng((seed, epoch)).permutation(num_samples)
    places = np.arange(step * batch_size, (step + 1) * batch_size) % num_samples
    return [int(index) for index in order[places]]
