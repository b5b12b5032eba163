"""Measures of the reliability of an annotation: the determinant of the paper, and alternatives (Sec. 3.3)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

MeasureFunction: TypeAlias = "Callable[[pa.Table, int], NDArray[np.float64]]"
"""Function of the table of a part and the number of views. It gives one value per row, NaN where undefined."""


@dataclass(frozen=True)
class Measure:
    """A measure of reliability.

    Attributes:
        columns: the columns of `annotations/` that it needs.
        values: computes it.
        higher_is_better: True if the rows with the highest values are the most reliable.
        unit: unit of its values.
        width_power: the measure is proportional to this power of the standard deviation of the marginal; None if it
            does not measure a width.
    """

    columns: tuple[str, ...]
    values: MeasureFunction
    higher_is_better: bool
    unit: str
    width_power: int | None = None


def _det(table: pa.Table, num_views: int) -> NDArray[np.float64]:
    return _column(table, "det")


def _trace(table: pa.Table, num_views: int) -> NDArray[np.float64]:
    return _column(table, "cov_xx") + _column(table, "cov_yy") + _column(table, "cov_zz")


def _entropy(table: pa.Table, num_views: int) -> NDArray[np.float64]:
    """Return the differential entropy of the Gaussian of each row, nat; it gives the same order as det."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        entropy: NDArray[np.float64] = 0.5 * (3 * np.log(2 * np.pi * np.e) + np.log(_column(table, "det")))
    return entropy


def _peak_distance(table: pa.Table, num_views: int) -> NDArray[np.float64]:
    """Return the mean distance from heatmap peak to projection, pixels, over the views with it inside."""
    import numpy as np

    views = _views(table, num_views)
    distance = np.hypot(views["peak_u"] - views["u"], views["peak_v"] - views["v"])
    return _mean_inside(distance, views["inside"])


def _peak_score(table: pa.Table, num_views: int) -> NDArray[np.float64]:
    views = _views(table, num_views)
    return _mean_inside(views["peak_score"], views["inside"])


def _score(table: pa.Table, num_views: int) -> NDArray[np.float64]:
    views = _views(table, num_views)
    return _mean_inside(views["score"], views["inside"])


def _column(table: pa.Table, name: str) -> NDArray[np.float64]:
    from poseharvest.storage.columns import values_of

    return values_of(table.column(name))


def _views(table: pa.Table, num_views: int) -> dict[str, NDArray[Any]]:
    from poseharvest.storage.columns import view_values

    return view_values(table, num_views)


def _mean_inside(values: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    import numpy as np

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)  # no view inside: NaN is the answer
        mean: NDArray[np.float64] = np.nanmean(np.where(inside, values, np.nan), axis=1)
    return mean


MEASURES: dict[str, Measure] = {
    "det": Measure(("det",), _det, higher_is_better=False, unit="mm^6", width_power=6),
    "trace": Measure(("cov_xx", "cov_yy", "cov_zz"), _trace, higher_is_better=False, unit="mm^2", width_power=2),
    "entropy": Measure(("det",), _entropy, higher_is_better=False, unit="nat"),
    "peak_distance": Measure(("views",), _peak_distance, higher_is_better=False, unit="px"),
    "peak_score": Measure(("views",), _peak_score, higher_is_better=True, unit="heatmap"),
    "score": Measure(("views",), _score, higher_is_better=True, unit="heatmap"),
}
"""The measures by name, for `SelectionRule.measure` and `--measure`."""
