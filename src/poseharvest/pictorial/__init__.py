"""3D pictorial structures (Sec. 3.2): from heatmaps to the joints' marginals by sum-product over a cube of voxels.

It never sees a picture or the truth. Start with `infer`, which connects the steps; docs/method.md has the equations.
"""

from __future__ import annotations

from poseharvest.pictorial.evidence import FrameEvidence
from poseharvest.pictorial.infer import InferenceOptions, PictorialStructures
from poseharvest.pictorial.posterior import JointPosterior, VoxelVolume

__all__ = ["FrameEvidence", "InferenceOptions", "JointPosterior", "PictorialStructures", "VoxelVolume"]
