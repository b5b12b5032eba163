"""Keypoints of known poses with errors of many kinds: the harvest beside triangulation of the same keypoints.

    python benchmarks/known_keypoints.py --kinds gaussian missed two_views exchanged fast uneven --seeds 0 1 2

A simulated person is seen by cameras around them. Each view's keypoints get errors of a kind:

- gaussian: 4 px along each axis, four views;
- missed: the same, and a quarter of the keypoints are not found, a third of a second at a time;
- two_views: the same errors, two views at a right angle;
- exchanged: one of four views takes left for right in a third of the time;
- fast: gaussian, the person moves three and a half times as fast;
- uneven: three views, errors of a size of their own for each joint and view (times 0.4 to 2.5), one in twenty of 30 px.

Printed are mean errors in mm over the joints that two views or more show: of the harvest and its smooth positions, of
triangulation by all views and without views while the mean distance in the pictures is above 10 px, and of both after a
Butterworth filter of 6 Hz; and the shares of true positions in the harvest's 90 and 50 % ellipsoids. The harvest gets
what a user would give: cameras and keypoints.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import chi2
from torch import Tensor

from motion import butterworth, paces, true_positions
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.detectors.keypoints import draw_people
from poseharvest.detectors.protocol import CroppedView
from poseharvest.evaluation.tracks import harvest_tracks
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.crop import Crop
from poseharvest.geometry.rig import Rig
from poseharvest.geometry.triangulation import triangulate
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.simulation.camera_rigs import random_rig
from poseharvest.simulation.crowd import CrowdCapture
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.skeleton import Skeleton

KINDS = ("gaussian", "missed", "two_views", "exchanged", "fast", "uneven")
SIGMA_PX, MISSED_SHARE, MISSED_FRAMES, EXCHANGED_FRAMES, GROSS_SHARE, GROSS_PX = 4.0, 0.25, 16, 20, 0.05, 30.0
LARGEST_PX = 10.0
IMAGE_SIZE = (1080, 1920)
FRAME_RATE = 50.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DrawnKeypoints:
    """A `KeypointSource`: one person's keypoints (V, F, J, 3) x, y, score in memory."""

    views: tuple[str, ...]
    keypoints: Tensor
    skeleton: Skeleton = MPII16
    heatmap_size: tuple[int, int] = (64, 64)
    name: str = field(default="drawn keypoints", init=False)
    needs_images: bool = field(default=False, init=False)

    def people(self, view: str, picture: int) -> list[Tensor]:
        """Return the person in a picture."""
        person = self.keypoints[self.views.index(view), picture]
        return [person] if bool((person[:, 2] > 0).any()) else []

    def draw(self, people: Sequence[Tensor], crop: Crop) -> Tensor:
        """Return the heatmaps of some people in a window."""
        return draw_people(people, crop, self.heatmap_size, num_joints=len(self.skeleton))

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps of the person in some windows."""
        return torch.stack([self.draw(self.people(view.view, view.picture), view.crop) for view in views])


@dataclass(frozen=True, eq=False)
class Take:
    """Cameras, keypoints (V, F, J, 3) and the true positions (F, J, 3)."""

    cameras: tuple[StaticCamera, ...]
    rig: Rig
    keypoints: Tensor
    truth: Floats


def draw(kind: str, seed: int, num_frames: int) -> Take:
    """Return a take with errors of a kind."""
    rng = np.random.default_rng((seed, KINDS.index(kind)))
    num_views = {"two_views": 2, "uneven": 3}.get(kind, 4)
    around = random_rig(3 if num_views == 3 else 4, torch.Generator().manual_seed(seed), image_size=IMAGE_SIZE)
    rig = Rig(tuple(around)[:num_views])
    pace = paces()["fast" if kind == "fast" else "slow"]
    truth = true_positions(seed, pace, num_frames)
    middle = truth.mean((0, 1)) * (1, 1, 0)
    truth = truth - middle  # the cameras look at the middle
    cameras = rig.at(0)
    places = torch.stack([camera.project(torch.from_numpy(truth)).pixels for camera in cameras])
    pixels = places.numpy() + errors(kind, places.shape[:3], rng)
    score = np.full(pixels.shape[:3], 0.9)
    if kind == "exchanged":
        is_exchanged = spells(num_frames, EXCHANGED_FRAMES, 1 / 3, rng)
        pixels[0, is_exchanged] = pixels[0, is_exchanged][:, list(MPII16.flip_permutation)]
    if kind == "missed":
        for view, joint in np.ndindex(num_views, len(MPII16)):
            score[view, spells(num_frames, MISSED_FRAMES, MISSED_SHARE, rng), joint] = 0
    height, width = IMAGE_SIZE
    score[~((pixels >= 0).all(-1) & (pixels < (width, height)).all(-1))] = 0
    pixels = np.where(score[..., None] > 0, pixels, 0)
    return Take(cameras, rig, torch.from_numpy(np.concatenate((pixels, score[..., None]), -1)), truth)


def errors(kind: str, shape: Sequence[int], rng: np.random.Generator) -> Floats:
    """Return errors (V, F, J, 2), pixels."""
    num_views, num_frames, num_joints = shape
    drawn: Floats = rng.normal(0, SIGMA_PX, (num_views, num_frames, num_joints, 2))
    if kind == "uneven":
        drawn *= np.exp(rng.uniform(-1, 1, (num_views, 1, num_joints, 1)) * np.log(2.5))
        is_gross = rng.random((num_views, num_frames, num_joints, 1)) < GROSS_SHARE
        drawn = np.where(is_gross, rng.normal(0, GROSS_PX, drawn.shape), drawn)
    return drawn


def spells(num_frames: int, length: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return (F,) bool that stays the same for so many frames and is true with a probability."""
    return np.asarray(np.repeat(rng.random(num_frames // length + 1) < share, length)[:num_frames])


def by_all_views(take: Take, used: Tensor | None = None) -> Floats:
    """Return (F, J, 3) triangulated from the keypoints that are there, or from the `used` (V, F, J) ones of them."""
    pixels, weights = take.keypoints[..., :2].flatten(1, 2), (take.keypoints[..., 2] > 0).double()
    if used is not None:
        weights = weights * used
    points = triangulate(take.cameras, pixels, weights.flatten(1)).points
    return np.asarray(points.reshape(take.truth.shape).numpy())


def by_views_that_agree(take: Take) -> Floats:
    """Return (F, J, 3) from the largest set of views whose mean distance is below 10 px, as Pose2Sim chooses them."""
    num_views = len(take.cameras)
    best, distance = by_all_views(take), np.full(take.truth.shape[:2], np.inf)
    for number in range(num_views, 1, -1):
        is_open = distance >= LARGEST_PX
        for chosen in combinations(range(num_views), number):
            used = torch.zeros(num_views, 1, 1).double()
            used[list(chosen)] = 1
            points = by_all_views(take, used)
            found = mean_distance(take, points, used)
            better = is_open & (found < distance)
            best, distance = np.where(better[..., None], points, best), np.where(better, found, distance)
    return best


def mean_distance(take: Take, points: Floats, used: Tensor) -> Floats:
    """Return (F, J) the mean distance of the used keypoints from projections; infinite with fewer than two of them."""
    seen = (take.keypoints[..., 2] > 0) * used
    places = torch.stack([camera.project(torch.from_numpy(points)).pixels for camera in take.cameras])
    distance = (torch.linalg.vector_norm(places - take.keypoints[..., :2], dim=-1) * seen).sum(0) / seen.sum(0)
    return np.asarray(torch.where(seen.sum(0) >= 2, distance, torch.inf).numpy())


def records_of(take: Take) -> list[FrameAnnotations]:
    """Return the records of a take's harvest."""
    with tempfile.TemporaryDirectory() as folder:
        return list(_harvest(take, Path(folder)).iter_frames())


def _harvest(take: Take, folder: Path) -> Harvest:
    capture = CrowdCapture(take.rig, len(take.truth), FRAME_RATE)
    source = DrawnKeypoints(tuple(take.rig.names), take.keypoints)
    return harvest(capture, source, folder / "harvest", options=HarvestOptions(num_previews=0))


def harvested(take: Take) -> dict[str, Floats]:
    """Return the harvest's positions and smooth positions (F, J, 3) and covariances (F, J, 3, 3); NaN for none."""
    with tempfile.TemporaryDirectory() as folder:
        made = _harvest(take, Path(folder))
        tracks = {"harvest": harvest_tracks(made), "smooth": harvest_tracks(made, smooth=True)}
        records = list(made.iter_frames())
    found = {name: np.full(take.truth.shape, np.nan) for name in tracks}
    for name, one in tracks.items():
        found[name][one.frames] = one.positions
    found["cov"] = np.full((*take.truth.shape, 3), np.nan)
    found["cov"][[record.frame for record in records]] = np.stack([record.cov.numpy() for record in records])
    return found


def judge(take: Take) -> dict[str, float]:
    """Return the columns of one row."""
    known = (take.keypoints[..., 2] > 0).sum(0).numpy() >= 2
    found = harvested(take)
    known &= np.isfinite(found["harvest"]).all(-1)
    ways = {"harvest": found["harvest"], "smooth": found["smooth"]}
    ways["all views"], ways["agreeing"] = by_all_views(take), by_views_that_agree(take)
    for name in ("all views", "agreeing"):
        ways[f"{name}, 6 Hz"] = butterworth(without_gaps(np.where(known[..., None], ways[name], np.nan)))
    row = {name: float(np.linalg.norm(way - take.truth, axis=-1)[known].mean()) for name, way in ways.items()}
    error = (found["harvest"] - take.truth)[known]
    squares = np.einsum("na,na->n", error, np.linalg.solve(found["cov"][known], error[..., None])[..., 0])
    return row | {f"in {level} %": 100 * float((squares < chi2.ppf(level / 100, 3)).mean()) for level in (90, 50)}


def without_gaps(positions: Floats) -> Floats:
    """Return positions (F, J, 3) with lines across what is not known."""
    out = positions.copy()
    frames = np.arange(len(out))
    for joint, axis in np.ndindex(*out.shape[1:]):
        column = out[:, joint, axis]
        known = np.isfinite(column)
        column[:] = np.interp(frames, frames[known], column[known])
    return out


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--frames", type=int, default=200)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    header = None
    for kind in arguments.kinds:
        rows = [judge(draw(kind, seed, arguments.frames)) for seed in arguments.seeds]
        if header is None:
            header = list(rows[0])
            print(f"{len(arguments.seeds)} takes of {arguments.frames} frames; mean errors in mm, shares in %")
            print(f"{'errors':12s}" + "".join(f"{name:>17s}" for name in header), flush=True)
        print(f"{kind:12s}" + "".join(f"{np.mean([row[name] for row in rows]):17.1f}" for name in header), flush=True)


if __name__ == "__main__":
    main()
