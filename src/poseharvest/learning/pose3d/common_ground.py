"""What several harvests must have in common to be learned from together."""

from __future__ import annotations

from collections.abc import Sequence

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import TrainingError
from poseharvest.skeleton.skeleton import Skeleton, require_joints


def require_one_skeleton(harvests: Sequence[Harvest]) -> Skeleton:
    """Return the skeleton that all harvests have.

    Raises:
        TrainingError: there is no harvest, or one has the joints in another order or under another root.
        SkeletonError: a harvest has other joints than the first.
    """
    if not harvests:
        raise TrainingError("training: expected one harvest or more, got none")
    first = harvests[0]
    for other in harvests[1:]:
        ours, theirs = first.skeleton, other.skeleton
        require_joints(ours.joints, theirs.joints, wanted_by=f"harvest {first.path}", offered_by=str(other.path))
        if (ours.joints, ours.root) != (theirs.joints, theirs.root):
            raise TrainingError(f"{other.path}: has the joints of {first.path} in another order, or another root")
    return first.skeleton
