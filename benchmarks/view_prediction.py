"""Each view's peaks predicted by the other views: do the regions hold as many as they say?

    poseharvest harvest CAPTURE --out /tmp/harvest
    python benchmarks/view_prediction.py /tmp/harvest

Nothing is detected or inferred again: the peaks are those that the harvest recorded, the starts are its means. Errors
and limbs are learned on the even seconds and judged on the odd ones; then learned without one camera and judged on it,
its errors being those of the other cameras. A region is one of the mixture of right and wrong peaks around the
projection of what the other views say.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.refinement import Refinement, learn_refinement
from poseharvest.refinement.observations import Observations, look
from poseharvest.refinement.pose_fit import fit_poses, is_held
from poseharvest.refinement.rigid_limbs import RigidLimbs
from poseharvest.skeleton.limb_lengths import LimbLengths

LEVELS = tuple(level / 10 for level in range(1, 10))


@dataclass(frozen=True, eq=False)
class Material:
    """One person's peaks, where the grid or the fit began, and the second of every frame."""

    observations: Observations
    start: Tensor
    second: Tensor

    def only(self, chosen: Tensor) -> Material:
        """Return some of the frames, by their numbers."""
        values = {name: getattr(self.observations, name)[chosen] for name in ("pixels", "is_seen", "height", "side_px")}
        cameras = tuple(self.observations.cameras[number] for number in chosen.tolist())
        return Material(Observations(**values, cameras=cameras), self.start[chosen], self.second[chosen])


def material(harvest: Harvest, person: int) -> Material:
    """Return the peaks of one person."""
    records = [record for record in harvest.iter_frames() if record.person == person]
    pixels = torch.stack([record.peak_pixels for record in records])
    height = torch.stack([record.peak_score for record in records])
    side = torch.tensor([[crop.side if crop else 1.0 for crop in record.crops] for record in records]).double()
    is_seen = torch.isfinite(pixels).all(-1) & (height > 0)
    cameras = tuple(tuple(harvest.rig.at(record.frame)) for record in records)
    observed = Observations(pixels.nan_to_num(0.0), is_seen, height, side, cameras)
    second = torch.tensor([int(record.time_s) for record in records])
    return Material(observed, torch.stack([record.mean for record in records]), second)


def learned(taught: Material, harvest: Harvest) -> Refinement:
    """Return what the frames teach; limbs begin at their median lengths."""
    skeleton = harvest.skeleton
    lengths = {
        (limb.parent, limb.child): float(
            (taught.start[:, skeleton.index(limb.parent)] - taught.start[:, skeleton.index(limb.child)])
            .norm(dim=-1)
            .median()
            .clamp_min(1.0)
        )
        for limb in skeleton.limbs
    }
    return learn_refinement(
        taught.observations, taught.start, RigidLimbs.of(skeleton, LimbLengths(lengths), taught.start)
    )


def predicted(judged: Material, taught: Refinement, view: int) -> Tensor:
    """Return, of every peak of a view, the smallest region around the others' prediction that holds it, 0 to 1."""
    noise = taught.noise
    others = fit_poses(judged.observations.without(view), judged.start, noise, taught.limbs)
    places = look(judged.observations.cameras, others.points)
    usable = is_held(others.linear) & judged.observations.is_seen[:, view] & places.valid[:, view]
    residual = (judged.observations.pixels[:, view] - places.pixels[:, view])[usable]
    jacobian, cov = places.jacobian[:, view][usable], taught.cov_factor * others.cov[usable]
    of_pose = jacobian @ cov @ jacobian.mT
    of_peak = noise.sigma_px(judged.observations)[:, view][usable][:, None, None] ** 2 * torch.eye(2).double()
    regions = []
    for width in (1.0, noise.wider**2):
        solved = torch.linalg.solve(of_pose + width * of_peak, residual[..., None]).squeeze(-1)
        regions.append(1 - torch.exp(-(residual * solved).sum(-1) / 2))
    return (1 - noise.wrong_share) * regions[0] + noise.wrong_share * regions[1]


def without_camera(taught: Material, harvest: Harvest, view: int) -> Refinement:
    """Return what the other cameras teach; this one's errors are taken to be like theirs."""
    part = replace(taught, observations=taught.observations.without(view))
    found = learned(part, harvest)
    share, height = found.noise.share.clone(), found.noise.usual_height
    rest = [number for number in range(len(share)) if number != view]
    share[view] = share[rest].square().mean(0).sqrt()
    if height is not None:
        height = height.clone()
        height[view] = height[rest].mean(0)
    return replace(found, noise=replace(found.noise, share=share, usual_height=height))


def say(name: str, regions: Tensor) -> None:
    """Print how often regions of several sizes hold the peak."""
    held = [float((regions < level).double().mean()) for level in LEVELS]
    gap = 100 * float(np.mean([abs(share - level) for share, level in zip(held, LEVELS, strict=True)]))
    print(
        f"{name:34} 50 %: {100 * held[4]:5.1f}   90 %: {100 * held[8]:5.1f}   gap {gap:4.1f}   {len(regions)} peaks",
        flush=True,
    )


def main() -> None:
    """Learn, predict and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("harvest", type=Path)
    options.add_argument("--person", type=int, default=0)
    arguments = options.parse_args()
    torch.set_num_threads(1)
    harvest = Harvest.open(arguments.harvest)
    whole = material(harvest, arguments.person)
    even = (whole.second % 2 == 0).nonzero().squeeze(1)
    odd = (whole.second % 2 == 1).nonzero().squeeze(1)
    if len(even) and len(odd):
        taught = learned(whole.only(even), harvest)
        judged = whole.only(odd)
        say("odd seconds by even ones", torch.cat([predicted(judged, taught, v) for v in range(len(harvest.rig))]))
    regions = []
    for view, name in enumerate(harvest.view_names):
        regions.append(predicted(whole, without_camera(whole, harvest, view), view))
        say(f"{name} by the others", regions[-1])
    say("all of them", torch.cat(regions))


if __name__ == "__main__":
    main()
