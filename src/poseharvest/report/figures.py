"""Small drawings as SVG. Text goes through `Markup.format`, which escapes it."""

from __future__ import annotations

import base64

import cv2
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from poseharvest.diagnosis.limbs import LimbSummary
from poseharvest.diagnosis.spread import Spread
from poseharvest.diagnosis.wording import signed
from poseharvest.report.joints import JointSummary

_ANCHORS = ((22, 34, 70), (38, 79, 128), (45, 124, 150), (86, 164, 142), (166, 195, 110), (247, 216, 84))
"""Dark blue to yellow, lighter at every step: readable without colour vision and in print."""

_MINI_WIDTH, _MINI_HEIGHT = 240, 24


class LogScale:
    """Positions from 0 to 1 of positive numbers on a logarithmic axis.

    Args:
        low: value at 0.
        high: value at 1.
    """

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    @classmethod
    def around(cls, values: NDArray[np.float64]) -> LogScale:
        """Return the scale from the 2 % to the 98 % quantile of the positive values, widened to 1, 2, 5 times 10^k."""
        positive = values[np.isfinite(values) & (values > 0)]
        if not len(positive):
            return cls(1.0, 10.0)
        low, high = np.quantile(positive, (0.02, 0.98))
        steps = np.array([d * 10.0**k for k in range(-4, 7) for d in (1, 2, 5)])
        bottom = steps[max(np.searchsorted(steps, low, side="right") - 1, 0)]
        top = steps[min(np.searchsorted(steps, high), len(steps) - 1)]
        return cls(float(bottom), float(max(top, 2 * bottom)))

    def at(self, value: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the positions of values, kept within 0 to 1; NaN stays NaN."""
        with np.errstate(divide="ignore", invalid="ignore"):
            place: NDArray[np.float64] = np.log(np.asarray(value) / self.low) / np.log(self.high / self.low)
        return place.clip(0, 1)

    def ticks(self) -> list[float]:
        """Return the 1, 2, 5 times 10^k within the scale; 1, 1.5, 2, 3, 4, 5, 7 times on a scale under one decade."""
        digits = (1, 2, 5) if self.high >= 10 * self.low else (1, 1.5, 2, 3, 4, 5, 7)
        steps = (d * 10.0**k for k in range(-4, 7) for d in digits)
        return [step for step in steps if self.low * 0.999 <= step <= self.high * 1.001]


def colours_of(places: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return (..., 3) RGB for positions from 0 to 1 on the report's colour scale."""
    stops = np.linspace(0, 1, len(_ANCHORS))
    channels = [np.interp(places, stops, [anchor[c] for anchor in _ANCHORS]) for c in range(3)]
    return np.stack(channels, -1).round().astype(np.uint8)


def png_uri(rgba: NDArray[np.uint8]) -> str:
    """Return an (H, W, 4) RGBA picture as a data URI."""
    _, encoded = cv2.imencode(".png", np.ascontiguousarray(rgba[..., [2, 1, 0, 3]]))
    return data_uri("image/png", encoded.tobytes())


def data_uri(kind: str, content: bytes) -> str:
    """Return content as a data URI, so that the page needs no other file."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def colour_bar(scale: LogScale) -> Markup:
    """Return the legend of the strip's colours."""
    picture = np.full((1, 128, 4), 255, np.uint8)
    picture[0, :, :3] = colours_of(np.linspace(0, 1, 128))
    ticks = Markup("").join(
        Markup('<text x="{:.1f}" y="28" text-anchor="middle">{:g}</text>').format(
            12 + 260 * float(scale.at(tick)), tick
        )
        for tick in scale.ticks()
    )
    return Markup(
        '<svg class="strip" style="width:290px;min-width:0" viewBox="0 0 290 32" role="img" aria-label="colour scale">'
        '<image href="{}" x="12" y="2" width="260" height="12" preserveAspectRatio="none"/>{}</svg>'
    ).format(png_uri(picture), ticks)


def spread_bar(spread: Spread, scale: LogScale, side: str) -> Markup:
    """Return a box plot on a logarithmic axis: whole range, middle half, median."""
    if not spread.num:
        return Markup("")
    places = _MINI_WIDTH * scale.at(np.array([spread.low, spread.q25, spread.median, spread.q75, spread.high]))
    label = f"from {spread.low:.1f} to {spread.high:.1f} mm, middle half {spread.q25:.1f} to {spread.q75:.1f} mm"
    return _box_plot(places, Markup(""), side, label)


def deviation_bar(limb: LimbSummary, reach_mm: float) -> Markup:
    """Return a box plot of the limb's lengths less its estimate, from -reach to +reach mm."""
    measured, center = limb.measured, limb.estimated_mm
    if not measured.num:
        return Markup("")
    if np.isnan(center):
        center = measured.median
    values = np.array([measured.low, measured.q25, measured.median, measured.q75, measured.high]) - center
    places = _MINI_WIDTH * (0.5 + 0.5 * np.clip(values / reach_mm, -1, 1))
    zero = Markup('<line class="zero" x1="{0}" x2="{0}" y1="2" y2="22"/>').format(_MINI_WIDTH // 2)
    low, q25, _, q75, high = map(signed, values)
    label = f"from {low} to {high} mm, middle half {q25} to {q75} mm"
    return _box_plot(places, zero, limb.side, label)


def cut_histogram(joint: JointSummary, edges_mm: NDArray[np.float64], cut_mm: float | None) -> Markup:
    """Return one joint's histogram of sigma; bars of selected rows stand below those of the others."""
    scale = LogScale(float(edges_mm[0]), float(edges_mm[-1]))
    bars = _stacked_bars(joint.selected_bars, joint.other_bars, (_MINI_WIDTH, _MINI_HEIGHT))
    cut = _cut_line(scale, cut_mm, (_MINI_WIDTH, _MINI_HEIGHT))
    return Markup(
        '<svg class="mini" viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="img" aria-label="{label}">'
        "{bars}{cut}</svg>"
    ).format(w=_MINI_WIDTH, h=_MINI_HEIGHT, bars=bars, cut=cut, label=f"histogram of sigma of {joint.name}")


def pooled_histogram(joints: tuple[JointSummary, ...], edges_mm: NDArray[np.float64]) -> Markup:
    """Return the histogram of sigma over all joints with its axis."""
    width, height, left, base = 1060, 200, 10, 170
    scale = LogScale(float(edges_mm[0]), float(edges_mm[-1]))
    selected = np.sum([joint.selected_bars for joint in joints], axis=0)
    others = np.sum([joint.other_bars for joint in joints], axis=0)
    ticks = Markup("").join(
        Markup(
            '<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y2}"/>'
            '<text x="{x:.1f}" y="{yt}" text-anchor="middle">{tick:g}</text>'
        ).format(x=left + (width - 60) * float(scale.at(tick)), y=base, y2=base + 5, yt=base + 19, tick=tick)
        for tick in scale.ticks()
    )
    return Markup(
        '<svg class="histogram mini" viewBox="0 0 {w} {h}" role="img" aria-label="histogram of sigma over all joints">'
        '<g transform="translate({left} 4)">{bars}</g>'
        '<line class="axis" x1="{left}" x2="{right}" y1="{base}" y2="{base}"/>{ticks}'
        '<text x="{w}" y="{unit}" text-anchor="end">sigma, mm</text></svg>'
    ).format(
        w=width,
        h=height,
        left=left,
        right=width - 50,
        base=base,
        unit=base + 19,
        bars=_stacked_bars(selected, others, (width - 60, base - 4)),
        ticks=ticks,
    )


def _box_plot(places: NDArray[np.float64], behind: Markup, side: str, label: str) -> Markup:
    low, q25, median, q75, high = places
    return Markup(
        '<svg class="mini" viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="img" aria-label="{label}">'
        '<title>{label}</title><line class="track" x1="0" x2="{w}" y1="12" y2="12"/>{behind}'
        '<line class="whole" x1="{low:.1f}" x2="{high:.1f}" y1="12" y2="12"/>'
        '<rect class="half {side}" x="{q25:.1f}" y="6" width="{span:.1f}" height="12" rx="2"/>'
        '<rect class="mid" x="{mid:.1f}" y="4" width="2.4" height="16" rx="1"/></svg>'
    ).format(
        w=_MINI_WIDTH,
        h=_MINI_HEIGHT,
        label=label,
        behind=behind,
        low=low,
        high=high,
        side=side,
        q25=q25,
        span=max(q75 - q25, 1.0),
        mid=median - 1.2,
    )


def _stacked_bars(selected: NDArray[np.int64], others: NDArray[np.int64], size: tuple[int, int]) -> Markup:
    width, height = size
    top = max(int((selected + others).max()), 1)
    step = width / len(selected)
    bar = step - 0.6
    paths = []
    for name, counts, below in (("kept", selected, np.zeros_like(selected)), ("cut-off", others, selected)):
        parts = [
            f"M{k * step + 0.3:.1f} {height * (1 - low / top):.2f}h{bar:.1f}v{-height * count / top:.2f}h{-bar:.1f}z"
            for k, (count, low) in enumerate(zip(counts, below, strict=True))
            if count
        ]
        paths.append(Markup('<path class="{}" d="{}"/>').format(name, "".join(parts)))
    return Markup("").join(paths)


def _cut_line(scale: LogScale, cut_mm: float | None, size: tuple[int, int]) -> Markup:
    if cut_mm is None or np.isnan(cut_mm):
        return Markup("")
    return Markup('<line class="cut" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{h}"/>').format(
        x=size[0] * float(scale.at(cut_mm)), h=size[1]
    )
