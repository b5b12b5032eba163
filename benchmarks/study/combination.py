"""Joining several doubts into one: the mean of their ranks, or a small logistic model of "this joint is wrong".

The logistic model is trained on footage whose truth is known and then needs none: it is a handful of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError
from scipy.special import expit
from scipy.stats import rankdata

from poseharvest.errors import ConfigError, FormatError, HarvestError
from poseharvest.evaluation.pairs import Floats

_MAX_ITERATIONS = 50
_TOLERANCE = 1e-9
_LOG_FLOOR = 1e-6


def rank_average(doubts: Sequence[Floats]) -> Floats:
    """Return the mean of the doubts' ranks, 0 (most reliable) to 1, over all values; needs the whole capture.

    A doubt that is NaN says nothing and is left out of the mean; NaN where all are.
    """
    ranks = [_ranks(doubt) for doubt in doubts]
    known = np.isfinite(np.stack(ranks))
    total = np.where(known, np.stack(ranks), 0.0).sum(0)
    return np.where(known.any(0), total / np.maximum(known.sum(0), 1), np.nan)


class ErrorModel(BaseModel):
    """The probability that a joint is more than `threshold_mm` wrong, from the logarithms of its doubts."""

    model_config = ConfigDict(frozen=True)

    doubts: tuple[str, ...]
    """Names of the inputs, as in `ranking.DOUBTS`."""
    centers: tuple[FiniteFloat, ...]
    """Mean of each input's logarithm on the training footage; stands in for an input that is not known."""
    scales: tuple[FiniteFloat, ...]
    """Standard deviation of the same."""
    weights: tuple[FiniteFloat, ...]
    """Of each standardised input."""
    bias: FiniteFloat
    threshold_mm: FiniteFloat
    """What counts as wrong."""

    def probability(self, doubts: Mapping[str, Floats]) -> Floats:
        """Return the probability (...) of being wrong.

        Raises:
            ConfigError: an input is missing.
        """
        missing = [name for name in self.doubts if name not in doubts]
        if missing:
            raise ConfigError(
                f"error model: expected the doubts {', '.join(self.doubts)}, missing {', '.join(missing)}"
            )
        logit = np.full(doubts[self.doubts[0]].shape, self.bias)
        parts = zip(self.doubts, self.centers, self.scales, self.weights, strict=True)
        for name, center, scale, weight in parts:
            standard = (_log(doubts[name]) - center) / scale
            logit = logit + weight * np.where(np.isfinite(standard), standard, 0.0)
        return np.asarray(expit(logit))

    def write(self, path: Path) -> None:
        """Write the model as JSON."""
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> ErrorModel:
        """Return the model of a JSON file.

        Raises:
            FormatError: the file cannot be read or holds something else.
        """
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise FormatError(f"{path}: error model cannot be read: {error.strerror}") from error
        except ValidationError as error:
            raise FormatError(f"{path}: is no error model: {error.errors()[0]['msg']}") from error


@dataclass(frozen=True)
class ErrorModelOptions:
    """How an error model is trained.

    Attributes:
        threshold_mm: what counts as wrong.
        ridge: weight of the squared weights, per training joint; it keeps doubts that say the same from fighting.
    """

    threshold_mm: float = 50.0
    ridge: float = 1e-3


_DEFAULT = ErrorModelOptions()


def fit_error_model(doubts: Mapping[str, Floats], errors: Floats, options: ErrorModelOptions = _DEFAULT) -> ErrorModel:
    """Return the logistic regression of "error above the threshold" on the doubts' logarithms.

    Args:
        doubts: name -> (...) values, all of one shape.
        errors: (...) mm; NaN where the truth is not known.
        options: threshold and ridge.

    Raises:
        HarvestError: all errors lie on one side of the threshold, or none is known.
    """
    known = np.isfinite(errors)
    wrong = (errors[known] > options.threshold_mm).astype(float)
    if wrong.size == 0 or wrong.min() == wrong.max():
        raise HarvestError(
            f"error model: expected errors on both sides of {options.threshold_mm:g} mm, got {int(wrong.sum())} of "
            f"{wrong.size} above it"
        )
    logs = np.stack([_log(values[known]) for values in doubts.values()], 1)
    centers, scales = np.nanmean(logs, 0), np.nanstd(logs, 0)
    scales = np.where(scales > 0, scales, 1.0)
    standard = np.nan_to_num((logs - centers) / scales)
    solution = _logistic(np.column_stack((standard, np.ones(len(standard)))), wrong, options.ridge)
    return ErrorModel(
        doubts=tuple(doubts),
        centers=tuple(centers.tolist()),
        scales=tuple(scales.tolist()),
        weights=tuple(solution[:-1].tolist()),
        bias=float(solution[-1]),
        threshold_mm=options.threshold_mm,
    )


def _logistic(inputs: Floats, wrong: Floats, ridge: float) -> Floats:
    """Return the weights of ridge-penalised logistic regression by Newton's method; the last one is free."""
    penalty = ridge * len(inputs) * np.append(np.ones(inputs.shape[1] - 1), 0.0)
    weights = np.zeros(inputs.shape[1])
    for _ in range(_MAX_ITERATIONS):
        probability = expit(inputs @ weights)
        gradient = inputs.T @ (probability - wrong) + penalty * weights
        curvature = (inputs * (probability * (1 - probability))[:, None]).T @ inputs + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step
        if np.abs(step).max() < _TOLERANCE:
            break
    return np.asarray(weights)


def _log(values: Floats) -> Floats:
    return np.log(np.where(np.isfinite(values), np.maximum(values, _LOG_FLOOR), np.nan))


def _ranks(values: Floats) -> Floats:
    known = np.isfinite(values)
    ranks = np.full(values.shape, np.nan)
    count = int(known.sum())
    ranks[known] = (rankdata(values[known]) - 0.5) / max(count, 1)
    return ranks
