"""The numbers that the page's script needs, as JSON that cannot end its own element."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import groupby
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from poseharvest.diagnosis.spread import plain_name, side_of_joint, side_of_limb
from poseharvest.report.collect import ReportContent
from poseharvest.report.joint_order import reading_order
from poseharvest.report.moving_poses import pack_motion
from poseharvest.report.strip import LEFT, ROW_HEIGHT, TOP, WIDTH
from poseharvest.report.timeline import Timeline
from poseharvest.skeleton.skeleton import Skeleton

_FRUSTUM_SHARE = 0.1
"""Length of a drawn camera as a share of its distance to the people."""


def page_data(content: ReportContent) -> Markup:
    """Return the JSON; `<`, `>` and `&` are written as escapes, so it may stand inside a script element."""
    text = json.dumps(_plain(content), separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _plain(content: ReportContent) -> dict[str, Any]:
    middle = np.mean([pose.center for pose in content.poses], axis=0)
    distances = [float(np.linalg.norm(np.array(camera.center) - middle)) for camera in content.cameras]
    return {
        "joints": _joints(content.skeleton),
        "limbs": _limbs(content.skeleton),
        "stage": asdict(content.stage),
        "floor_centre": middle.round(1).tolist(),
        "cameras": [asdict(camera) for camera in content.cameras],
        "frustum_mm": float(np.median(distances)) * _FRUSTUM_SHARE,
        "motion": _motion(content),
        "timelines": [_timeline(timeline, content.skeleton) for timeline in content.timelines],
    }


def _joints(skeleton: Skeleton) -> list[dict[str, str]]:
    return [{"label": plain_name(name), "side": side_of_joint(skeleton, name)} for name in skeleton.joints]


def _limbs(skeleton: Skeleton) -> list[dict[str, Any]]:
    return [
        {
            "parent": skeleton.index(limb.parent),
            "child": skeleton.index(limb.child),
            "side": side_of_limb(skeleton, limb),
        }
        for limb in skeleton.limbs
    ]


def _motion(content: ReportContent) -> dict[str, Any]:
    moments = [
        {
            "frame": frame,
            "time_s": round(rows[0][1].time_s, 4),
            "samples": [index for index, _ in rows],
            "people": [pose.person for _, pose in rows],
        }
        for frame, group in groupby(enumerate(content.poses), key=lambda row: row[1].frame)
        if (rows := list(group))
    ]
    return {**asdict(pack_motion(list(content.poses))), "moments": moments}


def _timeline(timeline: Timeline, skeleton: Skeleton) -> dict[str, Any]:
    return {
        "first_frame": timeline.first_frame.tolist(),
        "last_frame": timeline.last_frame.tolist(),
        "sigma_mm": _rounded(timeline.sigma_mm, 1),
        "selected_share": _rounded(timeline.selected_share, 2),
        "rows": list(reading_order(skeleton)),
        "layout": {"left": LEFT, "top": TOP, "width": WIDTH, "row_height": ROW_HEIGHT},
    }


def _rounded(values: NDArray[np.float64], digits: int) -> list[list[float | None]]:
    return [[round(v, digits) if np.isfinite(v) else None for v in row] for row in values.tolist()]
