"""Skeletons: named joints, the tree of limbs over them, and the limb lengths of people.

The package uses no pictures and no cameras. Start with `skeleton`, then `definitions` for the skeletons of the field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.skeleton.definitions import skeleton_by_name
    from poseharvest.skeleton.limb_lengths import LimbLengths, read_limb_lengths
    from poseharvest.skeleton.skeleton import Limb, Skeleton
    from poseharvest.skeleton.skeleton_file import read_skeleton
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["Limb", "LimbLengths", "Skeleton", "read_limb_lengths", "read_skeleton", "skeleton_by_name"]
