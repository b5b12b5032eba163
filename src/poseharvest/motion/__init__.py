"""Motion: smooth positions of a person's joints over time, from the positions and covariances of single frames.

It holds a Kalman smoother for one joint, and what it must know of the footage: how fast each joint moves in each frame,
how far the covariances are from the errors, and how long errors last. The raw positions are never replaced. The package
works on arrays; it never opens a harvest: `annotations` applies it to the folder. Start with `smoother`, then `cutoffs`
and `error_times`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.motion.joint_tracks import JointTrack, SmoothTrack
    from poseharvest.motion.motion_options import MotionOptions
    from poseharvest.motion.smoother import smooth
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["JointTrack", "MotionOptions", "SmoothTrack", "smooth"]
