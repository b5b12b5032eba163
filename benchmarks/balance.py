"""Judge a harvest of the balance capture: reprojection against OpenPose, and 3D against another triangulation.

    CAPTURE=../shared/captures/balance
    poseharvest harvest $CAPTURE --calibration $CAPTURE/calibration/calib_scene.toml --out /tmp/balance
    python benchmarks/balance.py /tmp/balance $CAPTURE

Neither reference is the truth, and neither was seen by the harvest. The baselines beside it, single peaks, their
weighted DLT and their robust triangulation, use the very peaks that the harvest recorded.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from poseharvest import Harvest
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.rig import project_all
from poseharvest.geometry.triangulation import triangulate, triangulate_robust

JOINTS = tuple(
    f"{side}_{part}" for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in ("left", "right")
)
# The files hold 25 points in the order of OpenPose's BODY_25B: COCO's 17 first.
OPENPOSE_INDEX = {joint: 5 + i for i, joint in enumerate(JOINTS)}
OPENPOSE_MIN_SCORE = 0.4
TRC_NAMES = {
    f"{side}_{part}": f"{side[0].upper()}{part.capitalize()}"
    for side in ("left", "right")
    for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
}
FIRST_FRAME = 1  # JSON frame i belongs to video frame i + 1, so video frame 0 has none

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Harvested:
    """What the harvest holds, for F frames: estimates and the evidence they were made from."""

    mean: torch.Tensor  # (F, J, 3)
    peaks: torch.Tensor  # (F, V, J, 2)
    scores: torch.Tensor  # (F, V, J)
    selected: Floats  # (F, J)
    cameras: tuple[StaticCamera, ...]


def read_harvest(harvest: Harvest) -> Harvested:
    """Return the limb joints of every frame from 1 on."""
    index = [harvest.skeleton.index(joint) for joint in JOINTS]
    rows = [row for row in harvest.iter_selected() if row.annotations.frame >= FIRST_FRAME]
    records = [row.annotations for row in rows]
    return Harvested(
        torch.stack([r.mean[index] for r in records]),
        torch.stack([r.peak_pixels[:, index] for r in records]),
        torch.stack([r.peak_score[:, index].clamp_min(0) for r in records]),
        np.stack([np.asarray(row.selected)[index] for row in rows]).astype(float),
        harvest.rig.at(0),
    )


def read_openpose(folder: Path, views: tuple[str, ...], num_frames: int) -> Floats:
    """Return (F, V, J, 3) x, y, score of the most visible person of each picture; NaN where OpenPose saw nobody."""
    found = np.full((num_frames, len(views), len(JOINTS), 3), np.nan)
    for frame in range(num_frames):
        for v, view in enumerate(views):
            people = json.loads((folder / f"{view}_json" / f"{view}.{frame:04d}.json").read_text())["people"]
            poses = [np.asarray(p["pose_keypoints_2d"]).reshape(-1, 3) for p in people]
            if poses:
                tallest = max(poses, key=_height)
                found[frame, v] = tallest[[OPENPOSE_INDEX[joint] for joint in JOINTS]]
    return found


def _height(pose: Floats) -> float:
    rows = pose[pose[:, 2] > 0.1, 1]
    return float(np.ptp(rows)) if rows.size else 0.0


def read_trc(path: Path) -> Floats:
    """Return (F, J, 3) positions in mm, in the file's own world."""
    lines = path.read_text().splitlines()
    names = [name for name in lines[3].split("\t") if name][2:]
    rows = np.array([[float(x) for x in line.split("\t") if x] for line in lines[5:] if line.strip()])
    points = rows[:, 2:].reshape(len(rows), -1, 3) * 1000
    return points[:, [names.index(TRC_NAMES[joint]) for joint in JOINTS]]


def pixel_distance(pixels: Floats, openpose: Floats) -> Floats:
    """Return (F, V, J) distances; NaN where OpenPose is not sure."""
    distance = np.linalg.norm(pixels - openpose[..., :2], axis=-1)
    return np.where(openpose[..., 2] > OPENPOSE_MIN_SCORE, distance, np.nan)


def aligned_distance(points: Floats, reference: Floats) -> Floats:
    """Return (F, J) distances after one rigid alignment of all frames (the two calibrations have different worlds)."""
    a, b = points.reshape(-1, 3), reference.reshape(-1, 3)
    rotation, _ = Rotation.align_vectors(b - b.mean(0), a - a.mean(0))
    moved = rotation.apply(a - a.mean(0)) + b.mean(0)
    return np.linalg.norm(moved - b, axis=-1).reshape(points.shape[:2])


def project(points: torch.Tensor, cameras: tuple[StaticCamera, ...]) -> Floats:
    """Return (F, V, J, 2)."""
    seen = project_all(cameras, points.reshape(-1, 3)).pixels
    return seen.reshape(len(cameras), *points.shape[:2], 2).transpose(0, 1).numpy()


def methods(data: Harvested) -> dict[str, torch.Tensor]:
    """Return the harvest and its baselines, (F, J, 3) each."""
    plain, robust = [], []
    for peaks, scores in zip(data.peaks, data.scores, strict=True):
        plain.append(triangulate(data.cameras, peaks, scores).points)
        robust.append(triangulate_robust(data.cameras, peaks, scores, threshold_px=80.0).points)
    return {
        "weighted DLT of the peaks": torch.stack(plain),
        "robust triangulation": torch.stack(robust),
        "harvest": data.mean,
    }


def print_table(data: Harvested, openpose: Floats, trc: Floats) -> None:
    """Print one row a method."""
    wrist, elbow = JOINTS.index("right_wrist"), JOINTS.index("left_elbow")
    print(f"{'method':28} mean px  median  right wrist  left elbow | 3D mm  right wrist | forearm: min median max")
    alone = pixel_distance(data.peaks.numpy(), openpose)
    print(f"{'heatmap peaks, each view':28} {_pixel_columns(alone, wrist, elbow)} |")
    for name, points in methods(data).items():
        distance = pixel_distance(project(points, data.cameras), openpose)
        world = aligned_distance(points.numpy(), trc)
        forearm = (points[:, wrist] - points[:, JOINTS.index("right_elbow")]).norm(dim=-1)
        lengths = f"{float(forearm.min()):.0f} {float(forearm.median()):.0f} {float(forearm.max()):.0f}"
        columns = f"{world.mean():6.2f} {world[:, wrist].mean():10.1f}   | {lengths}"
        print(f"{name:28} {_pixel_columns(distance, wrist, elbow)} | {columns}")
        if name == "harvest":
            kept = np.where(data.selected[:, None, :] > 0, distance, np.nan)
            print(f"{'harvest, selected joints':28} {_pixel_columns(kept, wrist, elbow)} |")
            print(
                "harvest, by joint: "
                + ", ".join(f"{j} {np.nanmean(distance[:, :, i]):.1f}" for i, j in enumerate(JOINTS))
            )


def _pixel_columns(distance: Floats, wrist: int, elbow: int) -> str:
    whole = f"{np.nanmean(distance):7.2f} {np.nanmedian(distance):7.2f}"
    return f"{whole} {np.nanmean(distance[:, :, wrist]):12.1f} {np.nanmean(distance[:, :, elbow]):11.1f}"


def print_limbs(harvest: Harvest) -> None:
    """Print every limb's estimate and its range over all frames, in mm and in voxels."""
    voxel = _voxel_mm(harvest)
    means = torch.stack([record.mean for record in harvest.iter_frames()])
    print(f"\n{'limb':28} estimate   min   max   largest deviation (voxels of {voxel:.1f} mm)")
    for name, estimate in harvest.info.limb_lengths_mm.items():
        parent, child = (harvest.skeleton.index(joint) for joint in name.split("-"))
        length = (means[:, parent] - means[:, child]).norm(dim=-1)
        off = float((length - estimate).abs().max()) / voxel
        print(f"{name:28} {estimate:8.0f} {float(length.min()):5.0f} {float(length.max()):5.0f} {off:8.2f}")


def _voxel_mm(harvest: Harvest) -> float:
    return float(harvest.info.options["voxel_mm"])  # type: ignore[arg-type]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("harvest", type=Path)
    parser.add_argument("capture", type=Path, help="the folder of the balance capture")
    arguments = parser.parse_args()
    harvest = Harvest.open(arguments.harvest)
    data = read_harvest(harvest)
    num_frames = len(data.mean)
    openpose = read_openpose(arguments.capture / "openpose", harvest.view_names, num_frames)
    print_table(data, openpose, read_trc(arguments.capture / "reference" / "triangulated.trc")[:num_frames])
    print_limbs(harvest)


if __name__ == "__main__":
    main()
