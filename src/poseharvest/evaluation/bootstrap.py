"""Confidence intervals by resampling whole sequences (Efron and Tibshirani, "An Introduction to the Bootstrap").

Frames of one sequence resemble each other, so resampling frames would give far too narrow intervals. Therefore whole
sequences, or other independent units, are drawn with replacement. The interval holds the middle part of the statistic's
values over the draws. If a capture is one long sequence, `blocks` cuts it into stretches instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseharvest.errors import ConfigError
from poseharvest.evaluation.pairs import Floats
from poseharvest.evaluation.scores import Interval

Statistic = Callable[[NDArray[np.int64]], float]
"""Function from the numbers of the drawn sequences, with repeats, to the value of interest."""


@dataclass(frozen=True)
class BootstrapOptions:
    """How an interval is drawn.

    Attributes:
        level: 0 to 1, how often the interval should hold the true value.
        num_draws: number of draws.
        seed: seed of the draws.
    """

    level: float = 0.95
    num_draws: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ConfigError(f"bootstrap level: expected a number between 0 and 1, got {self.level}")
        if self.num_draws < 1:
            raise ConfigError(f"bootstrap num_draws: expected at least 1, got {self.num_draws}")


_DEFAULT = BootstrapOptions()


def bootstrap(num_sequences: int, statistic: Statistic, options: BootstrapOptions = _DEFAULT) -> Interval:
    """Return the percentile interval of any statistic of sequences.

    Args:
        num_sequences: number of sequences.
        statistic: called once a draw; draws for which it is NaN are left out.
        options: level, draws and seed.

    Raises:
        ConfigError: there are fewer than two sequences.
    """
    _check_enough(num_sequences)
    generator = np.random.default_rng(options.seed)
    draws = generator.integers(0, num_sequences, (options.num_draws, num_sequences))
    return _percentiles(np.array([statistic(draw) for draw in draws]), num_sequences, options)


def mean_interval(sequences: Sequence[NDArray[Any]], options: BootstrapOptions = _DEFAULT) -> Interval:
    """Return the interval of the mean of all values of all sequences; values that are not finite are left out.

    Raises:
        ConfigError: fewer than two sequences hold a value.
    """
    finite = [values[np.isfinite(values)] for values in sequences]
    sums = np.array([values.sum() for values in finite if values.size])
    counts = np.array([values.size for values in finite if values.size])
    _check_enough(len(sums))
    generator = np.random.default_rng(options.seed)
    draws = generator.integers(0, len(sums), (options.num_draws, len(sums)))
    return _percentiles(sums[draws].sum(1) / counts[draws].sum(1), len(sums), options)


def blocks(frames: NDArray[np.int64], num_frames: int) -> list[str]:
    """Return for every frame number a label of the stretch of `num_frames` frames that holds it.

    Raises:
        ConfigError: a stretch would hold no frame.
    """
    if num_frames < 1:
        raise ConfigError(f"blocks: expected stretches of at least 1 frame, got {num_frames}")
    return [str(block) for block in (frames // num_frames).tolist()]


def _check_enough(num_sequences: int) -> None:
    if num_sequences < 2:
        raise ConfigError(f"bootstrap: expected at least 2 sequences that hold values, got {num_sequences}")


def _percentiles(values: Floats, num_sequences: int, options: BootstrapOptions) -> Interval:
    tail = (1 - options.level) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail]).tolist()
    return Interval(low, high, options.level, num_sequences)
