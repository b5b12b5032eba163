"""Every frame of the harvest for the page's player: poses, and their projections into every view, in pieces.

A short take is one piece inside the page. A long one lies in pieces in a folder beside the page, which the page's
script loads as they are needed, also from a disk: each is a script file, since a page may not read other files there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.geometry.camera import MovingCamera, StaticCamera
from poseharvest.geometry.image_covariance import image_uncertainty
from poseharvest.geometry.rig import Rig
from poseharvest.report.angle_pieces import ChartAngles
from poseharvest.report.moving_poses import PoseSample, pack_motion, pose_sample
from poseharvest.report.packed_numbers import LARGEST, packed_int16
from poseharvest.report.page_limit import TAKE_BYTES

MAX_INSIDE = 2000
"""Records (one person in one frame) that a page holds itself; more of them lie in pieces beside it."""

PIECE_RECORDS = 500

ROOT_STEP_PX = 0.05
"""Roots of covariances in pictures are rounded to this step; none is larger than 1600 px."""

_ROOM = 2.0  # pixels are kept up to this multiple of the picture's longer side around its corner

Sink = Callable[[int, str], None]
"""Takes the number of a piece and its text, JSON."""


@dataclass(frozen=True)
class Piece:
    """What the page knows of a piece before it is loaded.

    Attributes:
        first_frame: frame of its first moment.
        last_frame: frame of its last moment.
        moments: number of its moments: frames with a person.
    """

    first_frame: int
    last_frame: int
    moments: int


@dataclass(frozen=True)
class TakeIndex:
    """All pieces of a take.

    Attributes:
        pieces: in order of their frames.
        inside: text of the only piece of a take that lies in the page; None if the pieces lie beside it.
    """

    pieces: tuple[Piece, ...]
    inside: str | None


def fits_inside(num_records: int, num_joints: int, num_views: int) -> bool:
    """Return whether the page itself holds so many records."""
    bytes_each = num_joints * (24 + 14 * num_views) * 4 / 3  # five of each joint for the angles, which are fewer
    return num_records <= MAX_INSIDE and num_records * bytes_each <= TAKE_BYTES


class TakeTally:
    """Packs a stream of records, in order of (frame, person), into pieces.

    Args:
        rig: the cameras.
        angles: those that the chart shows.
        sink: is given every piece of a take that lies beside the page; None keeps the whole take as one piece.
    """

    def __init__(self, rig: Rig, angles: ChartAngles, sink: Sink | None = None) -> None:
        self._rig, self._angles, self._sink = rig, angles, sink
        self._records: list[FrameAnnotations] = []
        self._samples: list[PoseSample] = []
        self._pieces: list[Piece] = []

    def add(self, record: FrameAnnotations, selected: NDArray[np.bool_]) -> None:
        """Add one person in one frame, with recalibrated covariances."""
        is_new_frame = bool(self._records) and record.frame != self._records[-1].frame
        if self._sink is not None and is_new_frame and len(self._records) >= PIECE_RECORDS:
            self._sink(len(self._pieces), self._packed())
        self._records.append(record)
        self._samples.append(pose_sample(record, selected))

    def index(self) -> TakeIndex:
        """Return the pieces; the last one goes to the sink, if there is one."""
        last = self._packed()
        if self._sink is not None:
            self._sink(len(self._pieces) - 1, last)
        return TakeIndex(tuple(self._pieces), last if self._sink is None else None)

    def _packed(self) -> str:
        """Return the text of the piece with the records so far, and forget them."""
        content = packed_piece(self._records, self._samples, self._rig)
        content["angles"] = self._angles.packed(self._records)
        frames = content["frames"]
        self._pieces.append(Piece(frames[0], frames[-1], len(frames)))
        self._records, self._samples = [], []
        return json.dumps(content, separators=(",", ":"), allow_nan=False)


def packed_piece(records: list[FrameAnnotations], samples: list[PoseSample], rig: Rig) -> dict[str, Any]:
    """Return a piece as plain data: S samples in the order of the records, and the frame and people of each moment."""
    groups = [list(group) for _, group in groupby(samples, key=lambda sample: sample.frame)]
    return {
        "frames": [group[0].frame for group in groups],
        "times_s": [round(group[0].time_s, 4) for group in groups],
        "people": [[sample.person for sample in group] for group in groups],
        "poses": asdict(pack_motion(samples)),
        "views": _packed_views(records, rig),
    }


def _packed_views(records: list[FrameAnnotations], rig: Rig) -> dict[str, Any]:
    """Return pixels, the heatmaps' peaks and the roots of the covariances in the pictures, (S, V, J, ...) as int16."""
    steps = np.array([_ROOM * max(camera.image_size) / LARGEST for camera in rig.at(records[0].frame)])
    pixels, peaks, heights = (
        torch.stack([getattr(record, name) for record in records]).double().numpy()
        for name in ("pixels", "peak_pixels", "peak_score")
    )
    peaks = np.where(heights[..., None] > 0, peaks, np.nan)  # the maximum of an empty heatmap is nowhere
    roots = np.stack([_roots_in_view(records, rig, view) for view in range(len(rig))], axis=1)
    return {
        "steps_px": steps.tolist(),
        "root_step_px": ROOT_STEP_PX,
        "pixels": packed_int16(pixels / steps[:, None, None]),
        "peaks": packed_int16(peaks / steps[:, None, None]),
        "roots": packed_int16(roots / ROOT_STEP_PX),
    }


def _roots_in_view(records: list[FrameAnnotations], rig: Rig, view: int) -> NDArray[np.float64]:
    """Return (S, J, 3) px: xx, xy, yy of the symmetric root of each covariance in a picture; NaN where it has none."""
    if isinstance(rig.cameras[view], MovingCamera):
        parts = [_roots(rig.cameras[view].at(one.frame), one.mean, one.cov) for one in records]
        return torch.stack(parts).numpy()
    mean, cov = torch.stack([one.mean for one in records]), torch.stack([one.cov for one in records])
    roots = _roots(rig.cameras[view].at(records[0].frame), mean.reshape(-1, 3), cov.reshape(-1, 3, 3))
    return roots.reshape(*mean.shape[:2], 3).numpy()


def _roots(camera: StaticCamera, mean: Tensor, cov: Tensor) -> Tensor:
    seen = image_uncertainty(camera, mean, cov)
    values, vectors = torch.linalg.eigh(seen.cov.double())
    root = (vectors * values.clamp(min=0).sqrt().unsqueeze(-2)) @ vectors.mT
    corners = torch.stack([root[:, 0, 0], root[:, 0, 1], root[:, 1, 1]], dim=-1)
    return torch.where(seen.valid[:, None], corners, torch.nan)
