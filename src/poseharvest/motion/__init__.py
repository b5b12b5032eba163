"""Motion: smooth positions of a person's joints over time, from the positions and covariances of single frames.

It holds a Kalman smoother for one joint, and what it must know of the footage: how fast each joint moves in each frame,
and how far the covariances are from the errors. The raw positions are never replaced. The package works on arrays; it
never opens a harvest: `annotations` applies it to the folder. Start with `smoother`, then `cutoffs`.
"""

from __future__ import annotations

from poseharvest.motion.joint_tracks import JointTrack, MotionOptions, SmoothTrack
from poseharvest.motion.smoother import smooth

__all__ = ["JointTrack", "MotionOptions", "SmoothTrack", "smooth"]
