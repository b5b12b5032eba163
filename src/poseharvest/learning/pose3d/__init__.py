"""Networks that give 3D poses from single pictures, trained from scratch on harvests (Sec. 3.5, 4.5).

Start with `train_poses`, then `predict_poses`; `scaling` says what the network's numbers mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.learning.pose3d.pose_model import PoseModel, load_model
    from poseharvest.learning.pose3d.regression_options import RegressionOptions
    from poseharvest.learning.pose3d.train_poses import train3d
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["PoseModel", "RegressionOptions", "load_model", "train3d"]
