"""The strip of joints over time: colour shows the uncertainty, a lane below shows the selection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from poseharvest.diagnosis.spread import plain_name
from poseharvest.report.figures import LogScale, colours_of, png_uri
from poseharvest.report.timeline import Timeline
from poseharvest.skeleton.skeleton import Skeleton

LEFT, TOP, WIDTH, ROW_HEIGHT = 112, 8, 1000, 24
"""Where the cells lie in the drawing; the page's script reads the same numbers."""

_HEAT_HEIGHT, _LANE_Y, _LANE_HEIGHT = 14, 16, 3
_NUM_TICKS = 8


def strip_svg(timeline: Timeline, skeleton: Skeleton, order: Sequence[int], scale: LogScale, element_id: str) -> Markup:
    """Return the strip of one person, rows in `order`."""
    height = TOP + ROW_HEIGHT * len(order) + 30
    rows = Markup("").join(_row(timeline, skeleton.joints[j], j, place, scale) for place, j in enumerate(order))
    bottom = TOP + ROW_HEIGHT * len(order)
    return Markup(
        '<svg class="strip" id="{id}" viewBox="0 0 {w} {h}" role="img" aria-label="sigma of every joint over time">'
        '{rows}{axis}<line class="playhead" x1="{left}" x2="{left}" y1="{top}" y2="{bottom}"/></svg>'
    ).format(
        id=element_id,
        w=LEFT + WIDTH + 8,
        h=height,
        rows=rows,
        axis=_time_axis(timeline, bottom),
        left=LEFT,
        top=TOP,
        bottom=bottom,
    )


def _row(timeline: Timeline, joint: str, index: int, place: int, scale: LogScale) -> Markup:
    y = TOP + ROW_HEIGHT * place
    lane_y = y + _LANE_Y
    return Markup(
        '<text class="name" x="{xn}" y="{yn}">{name}</text>'
        '<rect class="unseen" x="{x}" y="{y}" width="{w}" height="{h}"/>'
        '<image class="heat" href="{png}" x="{x}" y="{y}" width="{w}" height="{h}" preserveAspectRatio="none"/>'
        '<rect class="lane" x="{x}" y="{yl}" width="{w}" height="{hl}"/>{kept}'
    ).format(
        xn=LEFT - 9,
        yn=y + 12,
        name=plain_name(joint),
        x=LEFT,
        y=y,
        w=WIDTH,
        h=_HEAT_HEIGHT,
        png=_heat_png(timeline.sigma_mm[index], scale),
        yl=lane_y,
        hl=_LANE_HEIGHT,
        kept=_lane(timeline.selected_share[index], lane_y),
    )


def _heat_png(sigma_mm: NDArray[np.float64], scale: LogScale) -> str:
    places = scale.at(sigma_mm)
    picture = np.zeros((1, len(sigma_mm), 4), np.uint8)
    picture[0, :, :3] = colours_of(np.nan_to_num(places))
    picture[0, :, 3] = np.where(np.isfinite(places), 255, 0)
    return png_uri(picture)


def _lane(share: NDArray[np.float64], y: int) -> Markup:
    """Return one rectangle for each run of neighbouring columns with the same share, rounded to quarters."""
    quarters = np.nan_to_num(share * 4).round().astype(int)
    starts = np.flatnonzero(np.diff(quarters, prepend=-1))
    ends = np.append(starts[1:], len(quarters))
    step = WIDTH / len(quarters)
    paths = []
    for level in (1, 2, 3, 4):
        runs = [
            f"M{LEFT + a * step:.1f} {y}h{(b - a) * step:.1f}v{_LANE_HEIGHT}h{(a - b) * step:.1f}z"
            for a, b in zip(starts, ends, strict=True)
            if quarters[a] == level
        ]
        if runs:
            paths.append(Markup('<path class="kept" opacity="{}" d="{}"/>').format(level / 4, "".join(runs)))
    return Markup("").join(paths)


def _time_axis(timeline: Timeline, y: int) -> Markup:
    first, end = int(timeline.first_frame[0]), int(timeline.last_frame[-1]) + 1
    step = _round_step((end - first) / _NUM_TICKS)
    ticks = []
    for frame in range(-(-first // step) * step, end, step):
        x = LEFT + WIDTH * (frame + 0.5 - first) / (end - first)
        ticks.append(
            Markup(
                '<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y2}"/>'
                '<text x="{x:.1f}" y="{yt}" text-anchor="middle">{frame}</text>'
            ).format(x=x, y=y, y2=y + 5, yt=y + 19, frame=frame)
        )
    label = Markup('<text x="{}" y="{}" text-anchor="end">frame</text>').format(LEFT - 9, y + 19)
    return Markup("").join([*ticks, label])


def _round_step(raw: float) -> int:
    decade = 1
    while 5 * decade < raw:
        decade *= 10
    return next(d * decade for d in (1, 2, 5) if d * decade >= raw)
