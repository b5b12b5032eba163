"""A second judge for the balance capture: OpenPose's keypoints, harvested by all views, in place of one view's maxima.

A single-view maximum favours labels that are single-view maxima themselves. This judge is the 3D pose that the
package finds from OpenPose's keypoints of all four views. Joints are defined differently by each network, so one
constant offset a joint, in millimetres of the world, is taken away. It is the median difference on the frames that are
learned from; nothing of the judged frames goes into it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from balance import FIRST_FRAME, JOINTS, Floats, project
from poseharvest import Capture, Harvest, HarvestOptions, harvest, load_detector


def reference_harvest(capture: Capture, folder: Path, out: Path, last: int) -> Harvest:
    """Return the harvest of OpenPose's keypoints, made if it is not there."""
    if out.exists():
        return Harvest.open(out)
    detector = load_detector(folder / "openpose", frame_offset=FIRST_FRAME)
    return harvest(capture, detector, out, options=HarvestOptions(start=FIRST_FRAME, stop=last))


def reference_pixels(reference: Harvest, generic: Harvest, judged: range) -> Floats:
    """Return (F, V, J, 2): where the judge sees the limb joints in each view of the judged frames.

    Args:
        reference: by keypoints, all frames.
        generic: by the network before it learned, the frames that are learned from.
        judged: frames after those.
    """
    theirs, ours = _poses(reference), _poses(generic)
    common = sorted(theirs.keys() & ours.keys())
    assert all(frame < judged.start for frame in common), "the offset is fitted on frames that are not judged"
    offset = torch.stack([theirs[frame] - ours[frame] for frame in common]).median(0).values
    poses = torch.stack([theirs[frame] - offset for frame in judged])
    return project(poses, reference.rig.at(0))


def distance_to(pixels: Floats, reference: Floats) -> Floats:
    """Return (F, V, J) distances of (F, V, J, 2) pixels, over all joints: hidden ones too."""
    found: Floats = np.linalg.norm(pixels - reference, axis=-1)
    return found


def _poses(made: Harvest) -> dict[int, torch.Tensor]:
    index = [made.skeleton.index(joint) for joint in JOINTS]
    return {record.frame: record.mean[index] for record in made.iter_frames()}
