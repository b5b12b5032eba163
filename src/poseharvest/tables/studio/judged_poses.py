"""A harvest against the truth, joint by joint, in a file small enough to be kept: all that a table is made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import HarvestError, StoreError
from poseharvest.evaluation.alignment import Alignment
from poseharvest.evaluation.mpjpe import joint_errors
from poseharvest.evaluation.pairs import Bools, Floats, PosePairs
from poseharvest.evaluation.tracks import Ints
from poseharvest.evaluation.uncertainty import kept_errors
from poseharvest.reading.documents import load_json
from poseharvest.simulation.scene import GroundTruth
from poseharvest.storage.staging import staged_file

FORMAT: Final = "poseharvest judged poses"
_DECIMALS = 3


@dataclass(frozen=True, eq=False)
class JudgedPoses:
    """How wrong N poses are.

    Attributes:
        frames: (N,) their frames.
        error_mm: (N, J) distance of every joint from the truth in the world as it is; NaN where no camera sees it.
        centred_mm: (N, J) the same after the pose's centroid was moved onto the true one, as the paper's authors do.
        det: (N, J) determinant of the covariance, mm^6; NaN as above.
        selected: (N, J) the harvest calls the joint reliable.
    """

    frames: Ints
    error_mm: Floats
    centred_mm: Floats
    det: Floats
    selected: Bools

    @classmethod
    def of(cls, frames: Ints, pairs: PosePairs, *, det: Floats | None = None, selected: Bools | None = None) -> Self:
        """Return how wrong estimates are; without `det` it is NaN, without `selected` nothing is selected."""
        unknown, none = np.full(pairs.judged.shape, np.nan), np.zeros(pairs.judged.shape, bool)
        return cls(
            frames,
            joint_errors(pairs),
            joint_errors(pairs, Alignment("centroid")),
            unknown if det is None else det,
            none if selected is None else selected,
        )

    def within(self, frames: range) -> JudgedPoses:
        """Return the poses of some frames."""
        rows = np.isin(self.frames, np.array(frames))
        return JudgedPoses(
            self.frames[rows], self.error_mm[rows], self.centred_mm[rows], self.det[rows], self.selected[rows]
        )

    def mean_at(self, share: float) -> float:
        """Return the mean error, mm, of the `share` of every joint with the smallest det, as Sec. 3.3 selects."""
        return mean_of(kept_errors(self.det, self.error_mm, share=share))


def judge_poses(harvest: Harvest | None, truth: GroundTruth) -> JudgedPoses:
    """Return how wrong a harvest of one person is; no poses if there is no harvest, as nobody was found.

    Raises:
        HarvestError: it holds several people, other joints than the truth, or a frame that the truth lacks.
    """
    if harvest is None:
        return no_poses(len(truth.skeleton))
    if harvest.info.counts.persons > 1 or harvest.skeleton.joints != truth.skeleton.joints:
        raise HarvestError(f"{harvest.path}: expected one person with the joints of the truth")
    rows = list(harvest.iter_selected())
    if not rows:
        raise HarvestError(f"{harvest.path}: holds no pose to be judged")
    frames = np.array([row.annotations.frame for row in rows], dtype=np.int64)
    if frames.max() >= len(truth.positions):
        raise HarvestError(f"truth: expected frame {frames.max()}, got {len(truth.positions)} frames")
    # Joints that are merely unsure are judged too: a mean without them would flatter.
    is_shown = np.stack([row.annotations.is_shown.numpy() for row in rows])
    estimate = np.stack([row.annotations.mean.double().numpy() for row in rows])
    det = np.stack([row.annotations.det.double().numpy() for row in rows])
    pairs = PosePairs(
        np.where(is_shown[..., None], estimate, np.nan),
        truth.positions.numpy()[frames].astype(np.float64),
        truth.skeleton.joints,
    )
    selected = np.stack([np.asarray(row.selected) for row in rows])
    return JudgedPoses.of(frames, pairs, det=np.where(is_shown, det, np.nan), selected=selected)


def no_poses(num_joints: int) -> JudgedPoses:
    """Return what is judged where nobody was found."""
    none = np.zeros((0, num_joints))
    return JudgedPoses(np.zeros(0, np.int64), none, none, none, np.zeros((0, num_joints), bool))


def joined(takes: Sequence[JudgedPoses]) -> JudgedPoses:
    """Return the poses of several takes after each other; their frames are those of the takes."""
    return JudgedPoses(
        np.concatenate([take.frames for take in takes]),
        np.concatenate([take.error_mm for take in takes]),
        np.concatenate([take.centred_mm for take in takes]),
        np.concatenate([take.det for take in takes]),
        np.concatenate([take.selected for take in takes]),
    )


def write_judged(judged: JudgedPoses, path: Path, description: dict[str, Any]) -> None:
    """Write a judgement with a description of it, as JSON; NaN is null."""
    content = {
        "format": FORMAT,
        "version": 1,
        **description,
        "num_joints": judged.error_mm.shape[1],
        "frames": judged.frames.tolist(),
        "error_mm": _plain(judged.error_mm),
        "centred_mm": _plain(judged.centred_mm),
        "det": [[None if np.isnan(value) else float(f"{value:.5g}") for value in row] for row in judged.det],
        "selected": judged.selected.astype(int).tolist(),
    }
    with staged_file(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(content) + "\n", encoding="utf-8")


def read_judged(path: Path) -> JudgedPoses:
    """Return what `write_judged` wrote.

    Raises:
        StoreError: the file is damaged.
    """
    try:
        content = load_json(path, where=f"{path}: the judgement is damaged", error=StoreError)
        frames = np.array(content["frames"], dtype=np.int64)
        shape = (len(frames), int(content["num_joints"]))
        errors, centred, det = (_floats(content[name], shape) for name in ("error_mm", "centred_mm", "det"))
        selected = np.array(content["selected"], dtype=bool).reshape(shape)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise StoreError(f"{path}: the judgement is damaged: {error}") from error
    return JudgedPoses(frames, errors, centred, det, selected)


def mean_of(errors: Floats) -> float:
    """Return the mean of the numbers that are not NaN; NaN if all are."""
    known = errors[np.isfinite(errors)]
    return float(known.mean()) if known.size else float("nan")


def spread_of(values: Sequence[float]) -> float:
    """Return the standard deviation over runs; NaN of fewer than two."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.std(known, ddof=1)) if len(known) > 1 else float("nan")


def _plain(values: Floats) -> list[list[float | None]]:
    return [[None if np.isnan(value) else round(float(value), _DECIMALS) for value in row] for row in values]


def _floats(rows: list[list[float | None]], shape: tuple[int, int]) -> Floats:
    return np.array(rows, dtype=np.float64).reshape(shape)
