"""Hands of known joints: the harvest beside triangulation of the same keypoints.

    python benchmarks/hands.py --kinds usual two_views unseen_once rootless --seeds 0 1

A simulated person moves before the studio's four cameras, whose keypoints of the hands err by 1 to 3 px, each view and
joint by a size of its own; one in fifty is missing. Kinds:

- usual: that;
- two_views: two of the views never show a hand;
- unseen_once: one view never shows the left hand;
- exchanged: one view calls each hand by the other's name;
- rootless: the hands' own wrists are missing, so that the body's stand in for them.

Printed are, over the finger joints that two views show: mean errors in mm of the harvest and of plain triangulation,
the shares of true positions in the harvest's 90 and 50 % ellipsoids, and the median error of the learned lengths of
limbs, in %.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median

import torch
from scipy.stats import chi2

from poseharvest.annotations.dense_arrays import dense_covariances, dense_positions, frames_and_people
from poseharvest.annotations.reader import Harvest
from poseharvest.detectors.keypoints import KeypointDetector, KeypointOptions
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.simulation.hand_scene import LAYOUT, HandErrors, HandScene, make_hand_scene
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.hands import HAND21, of_side

KINDS = {
    "usual": HandErrors(),
    "two_views": HandErrors(unseen=frozenset((side, view) for side in (0, 1) for view in (0, 1))),
    "unseen_once": HandErrors(unseen=frozenset({(0, 1)})),
    "exchanged": HandErrors(exchanged=2),
    "rootless": HandErrors(has_roots=False),
}


def line_of(scene: HandScene, made: Harvest) -> str:
    """Return the figures of a harvest."""
    axes, first = frames_and_people(made), len(MPII16)
    points, cov = (
        torch.from_numpy(of(made, axes))[:, 0, first:].unflatten(1, (2, 20))
        for of in (dense_positions, dense_covariances)
    )
    true = scene.hands[axes.frames.tolist()][:, :, 1:]
    plain = scene.triangulated()[axes.frames.tolist()][:, :, 1:]
    known = torch.isfinite(points).all(-1) & torch.isfinite(plain).all(-1)
    ours, theirs = (torch.linalg.vector_norm((one - true)[known], dim=-1).mean() for one in (points, plain))
    off = (points - true)[known]
    squares = (off * torch.linalg.solve(cov[known], off[..., None])[..., 0]).sum(-1).numpy()
    held = [float((squares < chi2.ppf(share, 3)).mean()) for share in (0.9, 0.5)]
    return (
        f"{ours:6.2f} {theirs:6.2f} mm, ellipsoids of 90 and 50 % hold {held[0]:.1%} {held[1]:.1%}, "
        f"lengths {median(errors_of_lengths(scene, made)):.1%} off, {int(known.sum())} of {known.numel()} joints"
    )


def errors_of_lengths(scene: HandScene, made: Harvest) -> list[float]:
    """Return how far the learned lengths of the left hand's limbs are off, relative to the true ones."""
    errors = []
    for limb in HAND21.limbs:
        ends = scene.hands[0, 0, [HAND21.index(limb.parent), HAND21.index(limb.child)]]
        true = float(torch.linalg.vector_norm(ends[0] - ends[1]))
        learned = made.info.limb_lengths_mm[f"{of_side(limb.parent, 'left')}-{of_side(limb.child, 'left')}"]
        errors.append(abs(learned / true - 1))
    return errors


def main() -> None:
    """Print a line for each kind and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=tuple(KINDS), default=tuple(KINDS))
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1))
    parser.add_argument("--frames", type=int, default=64)
    arguments = parser.parse_args()
    for kind in arguments.kinds:
        for seed in arguments.seeds:
            with tempfile.TemporaryDirectory() as folder:
                scene = make_hand_scene(Path(folder) / "keypoints", arguments.frames, seed, KINDS[kind])
                detector = KeypointDetector(scene.folder, KeypointOptions(layout=LAYOUT, frame_offset=0))
                options = HarvestOptions(hands=True, num_previews=0)
                made = harvest(scene.capture, detector, Path(folder) / "harvest", options=options)
                print(f"{kind:12} seed {seed}: {line_of(scene, made)}", flush=True)


if __name__ == "__main__":
    main()
