"""The numbers that the page's script needs, as JSON that cannot end its own element."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from poseharvest.diagnosis.spread import plain_name, side_of_joint, side_of_limb
from poseharvest.report.collect import ReportContent
from poseharvest.report.joint_order import reading_order
from poseharvest.report.strip import LEFT, ROW_HEIGHT, TOP, WIDTH
from poseharvest.report.timeline import Timeline
from poseharvest.skeleton.skeleton import Skeleton

_FRUSTUM_SHARE = 0.1
"""Length of a drawn camera as a share of its distance to the people."""


def page_data(content: ReportContent, beside: str | None) -> Markup:
    """Return the JSON that the script reads.

    Args:
        content: what the page shows.
        beside: name of the folder beside the page, with pieces of the take or of the film; None if the page holds all.
    """
    return script_safe(json.dumps(_plain(content, beside), separators=(",", ":"), allow_nan=False))


def script_safe(text: str) -> Markup:
    """Return JSON with `<`, `>` and `&` written as escapes, so that it may stand inside a script element."""
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _plain(content: ReportContent, beside: str | None) -> dict[str, Any]:
    middle = np.mean([pose.center for pose in content.poses], axis=0)
    distances = [float(np.linalg.norm(np.array(camera.center) - middle)) for camera in content.cameras]
    return {
        "joints": _joints(content.skeleton),
        "limbs": _limbs(content.skeleton),
        "angles": [{"name": name, "side": _side_of_angle(name)} for name in content.angles],
        "stage": asdict(content.stage),
        "floor_centre": middle.round(1).tolist(),
        "cameras": [asdict(camera) for camera in content.cameras],
        "frustum_mm": float(np.median(distances)) * _FRUSTUM_SHARE,
        "views": _views(content),
        "sigma_mm": {"median": content.joints.usual_sigma_mm},
        "pieces": [asdict(piece) for piece in content.take.pieces],
        "beside": beside,
        "frame_rate": content.info.capture.frame_rate,
        "created": content.info.created,
        "people": list(content.people),
        "pictures": asdict(content.pictures),
        "film": None if content.film is None else content.film.plain(),
        "timelines": [_timeline(timeline, content.skeleton) for timeline in content.timelines],
    }


def _joints(skeleton: Skeleton) -> list[dict[str, str]]:
    return [
        {"name": name, "label": plain_name(name), "side": side_of_joint(skeleton, name)} for name in skeleton.joints
    ]


def _side_of_angle(name: str) -> str:
    side = name.partition("_")[0]
    return side if side in {"left", "right"} else "middle"


def _limbs(skeleton: Skeleton) -> list[dict[str, Any]]:
    return [
        {
            "parent": skeleton.index(limb.parent),
            "child": skeleton.index(limb.child),
            "side": side_of_limb(skeleton, limb),
        }
        for limb in skeleton.limbs
    ]


def _views(content: ReportContent) -> list[dict[str, Any]]:
    return [{"name": view.name, "width": view.width, "height": view.height} for view in content.info.views]


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
