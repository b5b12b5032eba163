"""The rule that selects annotations (Sec. 3.3); `select` applies it."""

from __future__ import annotations

from dataclasses import dataclass

from poseharvest.errors import ConfigError
from poseharvest.selection.measures import MEASURES


@dataclass(frozen=True)
class SelectionRule:
    """The rule that selects annotations.

    Attributes:
        measure: a name in `MEASURES`; the paper's is "det".
        share: largest share of the supported rows of each joint that is kept, 0 to 1; the paper's is 0.7.
        limit: largest standard deviation of a marginal, relative to the most certain tenth of the joint, 1 or more.
            None uses the share alone, as the paper does. It needs a measure of width, "det" or "trace".
    """

    measure: str = "det"
    share: float = 0.7
    limit: float | None = None

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise ConfigError(f'measure: expected one of {", ".join(MEASURES)}, got "{self.measure}"')
        if not 0 <= self.share <= 1:
            raise ConfigError(f"share: expected a number from 0 to 1, got {self.share}")
        if self.limit is not None and not self.limit >= 1:
            raise ConfigError(f"limit: expected a number of 1 or more, got {self.limit}")
        if self.limit is not None and MEASURES[self.measure].width_power is None:
            known = ", ".join(name for name, measure in MEASURES.items() if measure.width_power is not None)
            raise ConfigError(f'limit: expected a measure of width ({known}), got "{self.measure}"')

    @property
    def factor(self) -> float | None:
        """Largest measure of a row, relative to the most certain tenth of the joint; None without a limit."""
        power = MEASURES[self.measure].width_power
        return None if self.limit is None or power is None else self.limit**power


def selection_rule(
    measure: str = SelectionRule.measure, share: float | None = None, limit: float | None = None
) -> SelectionRule:
    """Return a rule with defaults: a share of 1 if only a limit is given, else the share of the paper.

    Raises:
        ConfigError: a value is not valid, as in `SelectionRule`.
    """
    if share is None:
        share = SelectionRule.share if limit is None else 1.0
    return SelectionRule(measure, share, limit)
