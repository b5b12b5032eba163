"""Angles over time as SVG: a panel per angle, both sides in one, with bands of two standard deviations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from poseharvest.kinematics.angle_track import AngleTrack
from poseharvest.kinematics.motion_file import Motion

_Floats = NDArray[np.float64]

_WIDTH, _HEIGHT = 380.0, 170.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 8.0, 26.0, 22.0
_COLUMNS = 3
_MOST_POINTS = 800
_LEAST_SPAN = 10.0  # of the vertical axis, in its unit: noise of a joint at rest does not fill a panel
_LEAST_SPAN_M = 0.05

STYLE: Final = """
.angles { font: 11px sans-serif; } .angles text { fill: #5b6470; } .angles .title { fill: #1d2229; font-size: 12px; }
.angles .grid { stroke: #dfdcd4; fill: none; } .angles path.line { fill: none; stroke-width: 1.5; }
.angles path.band { stroke: none; opacity: .2; } .angles .frame { fill: none; stroke: #d3cfc5; }
.angles path.line.right { stroke: #c8640b; } .angles path.band.right { fill: #c8640b; }
.angles path.line.left { stroke: #2166ac; } .angles path.band.left { fill: #2166ac; }
.angles path.line.middle { stroke: #69707a; } .angles path.band.middle { fill: #69707a; }
"""
"""Of a figure that stands alone: the light colours of the page."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One line: its side, "right", "left" or "middle", values (F,), and standard deviations (F,) or None."""

    side: str
    values: _Floats
    sigma: _Floats | None


@dataclass(frozen=True, eq=False)
class Panel:
    """A title with its unit, and one or two curves."""

    title: str
    unit: str
    curves: tuple[Curve, ...]


def angle_panels(track: AngleTrack) -> tuple[Panel, ...]:
    """Return a panel per angle, with both sides."""
    panels: dict[str, list[Curve]] = {}
    for number, name in enumerate(track.names):
        side = name.partition("_")[0]
        is_sided = side in {"right", "left"}
        title = (name.partition("_")[2] if is_sided else name).replace("_", " ")
        curve = Curve(side if is_sided else "middle", track.degrees[:, number], track.sigma_deg[:, number])
        panels.setdefault(title, []).append(curve)
    return tuple(Panel(title, "degrees", tuple(curves)) for title, curves in panels.items())


def coordinate_panels(motion: Motion, translations: Sequence[str]) -> tuple[Panel, ...]:
    """Return a panel per coordinate of OpenSim's model, with both sides, `_r` and `_l`."""
    panels: dict[tuple[str, str], list[Curve]] = {}
    for number, name in enumerate(motion.names):
        side = {"_r": "right", "_l": "left"}.get(name[-2:], "middle")
        title = name if side == "middle" else name[:-2]
        unit = "m" if name in translations else "degrees"
        panels.setdefault((title, unit), []).append(Curve(side, motion.values[:, number], None))
    return tuple(Panel(title, unit, tuple(curves)) for (title, unit), curves in panels.items())


def panel_svgs(panels: Sequence[Panel], times_s: _Floats) -> tuple[Markup, ...]:
    """Return a drawing per panel, for a page that arranges them by its width."""
    return tuple(
        Markup('<svg class="angles" viewBox="0 0 {} {}" role="img" aria-label="{} over time">{}</svg>').format(
            _WIDTH, _HEIGHT, panel.title, _panel(panel, times_s)
        )
        for panel in panels
    )


def panels_svg(panels: Sequence[Panel], times_s: _Floats, label: str) -> Markup:
    """Return all panels as one drawing; `label` describes it."""
    rows = -(-len(panels) // _COLUMNS)
    drawn = Markup("").join(
        Markup('<g transform="translate({} {})">{}</g>').format(
            number % _COLUMNS * _WIDTH, number // _COLUMNS * _HEIGHT, _panel(panel, times_s)
        )
        for number, panel in enumerate(panels)
    )
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="angles" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(_COLUMNS * _WIDTH, max(rows, 1) * _HEIGHT, label, drawn)


def alone(drawing: Markup) -> str:
    """Return a drawing as the content of a file, with its colours."""
    style = Markup("<style>{}</style>").format(Markup(STYLE))
    head, _, rest = str(drawing).partition(">")  # Markup of older versions would look for "&gt;"
    return f"{head}>{style}{rest}\n"


@dataclass(frozen=True)
class _Scale:
    """Places of values in a panel."""

    times: tuple[float, float]
    values: tuple[float, float]

    def x(self, time_s: _Floats | float) -> _Floats:
        span = max(self.times[1] - self.times[0], 1e-9)
        place: _Floats = _LEFT + (np.asarray(time_s) - self.times[0]) / span * (_WIDTH - _LEFT - _RIGHT)
        return place

    def y(self, value: _Floats | float) -> _Floats:
        span = self.values[1] - self.values[0]
        place: _Floats = _HEIGHT - _BOTTOM - (np.asarray(value) - self.values[0]) / span * (_HEIGHT - _TOP - _BOTTOM)
        return place


def _panel(panel: Panel, times_s: _Floats) -> Markup:
    scale = _Scale((float(times_s[0]), float(times_s[-1])), _range(panel))
    ticks = Markup("").join(
        Markup(
            '<path class="grid" d="M{0} {1:.1f}H{2}"/><text x="{3}" y="{4:.1f}" text-anchor="end">{5:g}</text>'
        ).format(_LEFT, float(scale.y(tick)), _WIDTH - _RIGHT, _LEFT - 4, float(scale.y(tick)) + 4, tick)
        for tick in _ticks(*scale.values)
    )
    moments = Markup("").join(
        Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{:.2f} s</text>').format(
            float(scale.x(time)), _HEIGHT - 8, anchor, time
        )
        for time, anchor in ((scale.times[0], "start"), (scale.times[1], "end"))
    )
    bands = Markup("").join(_band(curve, times_s, scale) for curve in panel.curves)
    lines = Markup("").join(_line(curve, times_s, scale) for curve in panel.curves)
    title = Markup('<text class="title" x="{}" y="{}">{}, {}</text>').format(_LEFT, _TOP - 10, panel.title, panel.unit)
    return title + ticks + moments + bands + lines


def _range(panel: Panel) -> tuple[float, float]:
    reach = [0.0 if curve.sigma is None else _typical(curve.sigma) for curve in panel.curves]
    bounds = [curve.values + sign * 2 * far for curve, far in zip(panel.curves, reach, strict=True) for sign in (-1, 1)]
    known = np.concatenate([bound[np.isfinite(bound)] for bound in bounds])
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    room = max(0.08 * (high - low), ((_LEAST_SPAN_M if panel.unit == "m" else _LEAST_SPAN) - (high - low)) / 2)
    return low - room, high + room


def _typical(sigma: _Floats) -> float:
    """Return the median of the known standard deviations: a few unsure frames do not flatten the curve."""
    known = sigma[np.isfinite(sigma)]
    return float(np.median(known)) if len(known) else 0.0


def _ticks(low: float, high: float) -> list[float]:
    """Return two to six round numbers within a range."""
    raw = (high - low) / 5
    power = 10.0 ** np.floor(np.log10(raw))
    step = float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw))
    first = np.ceil(low / step)
    return [round(float(number * step), 10) + 0.0 for number in np.arange(first, np.floor(high / step) + 1)]


def _thinned(length: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, length - 1, min(length, _MOST_POINTS)).round().astype(np.int64))


def _line(curve: Curve, times_s: _Floats, scale: _Scale) -> Markup:
    kept = _thinned(len(times_s))
    x, y = scale.x(times_s[kept]), scale.y(curve.values[kept])
    return Markup('<path class="line {}" d="{}"/>').format(curve.side, _path(x, y))


def _path(x: _Floats, y: _Floats) -> str:
    """Return a path that is interrupted where a value is missing, or jumps through half a turn."""
    parts, is_drawn = [], False
    for one, other in zip(x.tolist(), y.tolist(), strict=True):
        if np.isfinite(other):
            parts.append(f"{'L' if is_drawn else 'M'}{one:.1f} {other:.1f}")
        is_drawn = bool(np.isfinite(other))
    return "".join(parts)


def _band(curve: Curve, times_s: _Floats, scale: _Scale) -> Markup:
    if curve.sigma is None:
        return Markup("")
    kept = _thinned(len(times_s))
    values, sigma = curve.values[kept], curve.sigma[kept]
    x, is_known = scale.x(times_s[kept]), np.isfinite(values) & np.isfinite(sigma)
    parts = []
    for run in np.split(np.arange(len(kept)), np.flatnonzero(np.diff(is_known.astype(int))) + 1):
        if not is_known[run[0]]:
            continue
        high, low = (scale.y((values[run] + sign * 2 * sigma[run]).clip(*scale.values)) for sign in (1, -1))
        outline = [*zip(x[run], high, strict=True), *zip(x[run][::-1], low[::-1], strict=True)]
        parts.append("M" + "L".join(f"{one:.1f} {other:.1f}" for one, other in outline) + "Z")
    return Markup('<path class="band {}" d="{}"/>').format(curve.side, "".join(parts))
