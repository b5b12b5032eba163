"""How wrong a simulated detector is: the mistakes that 2D pose networks make, each with its rate and size."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from poseharvest.errors import ConfigError


@dataclass(frozen=True)
class DetectorErrors:
    """The mistakes of a simulated detector. Sizes in the picture are shares of the person's extent there.

    A person's extent is the longer side of the box around the joints, in pixels. An error belongs to the view and the
    frame, so it is at the same place of the picture in every window.

    Raises:
        ConfigError: a rate is no probability, a range is reversed, or a size is negative or not finite.
    """

    sigma_px: float = 1.0
    """Standard deviation of a joint's Gaussian, pixels of the heatmap (the paper's training target: 1)."""

    peak: tuple[float, float] = (1.0, 1.0)
    """Range of the Gaussians' heights, drawn anew for every view, joint and spell."""

    usable_fill: tuple[float, float] = (0.35, 1.0)
    """The person's extent as a share of the window's side between which the network works at its best. Outside, the
    heights fall with the square of the ratio."""

    jitter: float = 0.0
    """Standard deviation of the localisation error along x and along y, share of the person's extent."""

    jitter_frames: int = 4
    """Frames over which the localisation error stays similar."""

    spell_frames: int = 6
    """Frames that a gross error (below) lasts; new ones are drawn for every spell."""

    occluded_jitter: float = 1.0
    """Factor on `jitter` for a joint that the body hides."""

    occluded_peak: float = 1.0
    """Factor on the height for a joint that the body hides."""

    occluded_spread: float = 1.0
    """Factor on `sigma_px` for a joint that the body hides."""

    occluded_doubt: float = 0.0
    """Added to the doubt (below) of a joint that the body hides."""

    covered_peak: float = 0.3
    """Factor on the height for a joint that another person hides."""

    doubt_peak: float = 0.0
    """How heights go with doubt: a height is multiplied by exp(-doubt_peak x doubt). Doubt is drawn for every view,
    joint and spell; it is exponential with mean 1, so most joints have little of it and a few have much."""

    doubt_jitter: float = 0.0
    """How errors go with doubt: `jitter` is multiplied by exp(doubt_jitter x doubt)."""

    doubt_spread: float = 0.0
    """How widths go with doubt: `sigma_px` is multiplied by exp(doubt_spread x doubt)."""

    doubt_gross: float = 0.0
    """How gross errors go with doubt: their probabilities are multiplied by doubt to this power, and by a constant that
    keeps them on average over the joints in sight. 0: a joint without doubt has as many as any other."""

    swap_rate: float = 0.0
    """Probability that a pair of left and right joints is confused."""

    swap_residue: float = 0.5
    """Height of the right place, as a share of the wrong one's, where a pair is confused."""

    second_mode_rate: float = 0.0
    """Probability that a joint has a second, lower Gaussian at the place of some other joint."""

    second_mode_peak: tuple[float, float] = (0.3, 0.8)
    """Range of a second Gaussian's height, share of the first one's."""

    missing_rate: float = 0.0
    """Probability that a joint is not detected at all."""

    wrong_rate: float = 0.0
    """Probability that a joint is found somewhere else altogether, in the views that `wrong_view` says."""

    wrong_view: int | None = None
    """The number, from 0, of the only view in which joints are put elsewhere; None for every view."""

    wrong_distance: tuple[float, float] = (0.15, 0.5)
    """Range of the distance to where a joint is put that is put elsewhere, share of the person's extent."""

    noise: float = 0.0
    """Standard deviation of the background."""

    noise_bias: float = 0.0
    """Mean of the background; networks tend to be slightly negative there."""

    def __post_init__(self) -> None:
        for item in fields(self):
            kind = _KINDS.get(item.name, "size")
            if item.name.endswith("_rate"):
                kind = "rate"
            value = getattr(self, item.name)
            if not _HOLDS[kind](value):
                raise ConfigError(f"detector errors: {item.name} must be {_MEANS[kind]}, got {value}")


_MAX_POWER = 10.0
_KINDS = {
    "sigma_px": "positive",
    "occluded_spread": "positive",
    "peak": "range",
    "usable_fill": "range",
    "second_mode_peak": "range",
    "wrong_distance": "range",
    "jitter_frames": "count",
    "spell_frames": "count",
    "wrong_view": "view",
    "noise_bias": "number",
    "doubt_gross": "power",
}
_HOLDS: dict[str, Callable[[Any], bool]] = {
    "rate": lambda value: 0 <= value <= 1,
    "size": lambda value: 0 <= value < math.inf,
    "positive": lambda value: 0 < value < math.inf,
    "range": lambda value: 0 <= value[0] <= value[1],
    "count": lambda value: value >= 1,
    "view": lambda value: value is None or value >= 0,
    "number": math.isfinite,
    "power": lambda value: 0 <= value <= _MAX_POWER,
}
_MEANS = {
    "rate": "a probability",
    "size": "finite and not negative",
    "positive": "finite and positive",
    "range": "an increasing range from 0 up",
    "count": "at least 1",
    "view": "the number of a view or None",
    "number": "finite",
    "power": "between 0 and 10",
}


CLEAN = DetectorErrors()
"""No errors: Gaussians of height 1 at the true places, of every joint within the picture, hidden or not."""

REALISTIC = DetectorErrors(
    peak=(0.6, 0.9),
    jitter=0.010,
    occluded_jitter=2.5,
    occluded_peak=0.6,
    occluded_spread=1.4,
    swap_rate=0.02,
    second_mode_rate=0.05,
    missing_rate=0.02,
    noise=0.008,
    noise_bias=-0.005,
)
"""A generic network on new footage: about 6 px off where a person is 360 px tall, and wrong altogether at times."""

MEASURED = DetectorErrors(
    sigma_px=1.9,
    peak=(0.66, 0.80),
    jitter=0.012,
    occluded_jitter=1.4,
    occluded_peak=0.85,
    occluded_doubt=1.5,
    doubt_peak=0.17,
    doubt_jitter=0.15,
    doubt_spread=0.04,
    doubt_gross=2.0,
    swap_rate=0.02,
    second_mode_rate=0.03,
    wrong_rate=0.008,
    noise=0.004,
)
"""As EfficientPose-I on real footage, whose heights and widths tell something of its errors (docs/synthetic.md)."""

ONE_VIEW_WRONG = DetectorErrors(wrong_rate=0.15, wrong_view=0)
"""Clean, but for 15 % of the joints being somewhere else in the first view."""
