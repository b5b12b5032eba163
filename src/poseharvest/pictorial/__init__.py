"""3D pictorial structures (Sec. 3.2): from heatmaps to the joints' marginals by sum-product over a cube of voxels.

It never sees a picture or the truth. Start with `infer`, which connects the steps; docs/method.md has the equations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.pictorial.evidence import FrameEvidence
    from poseharvest.pictorial.infer import PictorialStructures
    from poseharvest.pictorial.inference_options import InferenceOptions
    from poseharvest.pictorial.posterior import JointPosterior, VoxelVolume
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["FrameEvidence", "InferenceOptions", "JointPosterior", "PictorialStructures", "VoxelVolume"]
