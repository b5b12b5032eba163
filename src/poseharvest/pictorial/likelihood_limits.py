"""Which numbers a likelihood may have; `evidence.Likelihood` is made of them."""

from __future__ import annotations

from poseharvest.errors import ConfigError

MAX_POWER = 8.0


def check_likelihood(floor: float, height_power: float, sharpen: float) -> None:
    """Check what is made of heatmaps: the floor, and the powers of a peak's height and of a heatmap.

    Raises:
        ConfigError: one of them is out of its range.
    """
    if not 0 <= floor < 1:
        raise ConfigError(f"floor: expected 0 or more and less than 1, got {floor}")
    if not 0 <= height_power <= MAX_POWER:
        raise ConfigError(f"height_power: expected 0 to {MAX_POWER:g}, got {height_power}")
    if not 1 <= sharpen <= MAX_POWER:
        raise ConfigError(f"sharpen: expected 1 to {MAX_POWER:g}, got {sharpen}")
