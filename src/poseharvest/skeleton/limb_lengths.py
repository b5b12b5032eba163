"""L_ij of Eq. (2): the limb lengths of a subject, from a file or estimated from the footage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from poseharvest.errors import ConfigError
from poseharvest.reading.documents import load_toml
from poseharvest.reading.plain_numbers import finite_number
from poseharvest.skeleton.human import is_end
from poseharvest.skeleton.skeleton import Skeleton


@dataclass(frozen=True)
class LimbLengths:
    """L_ij of a subject.

    Attributes:
        mm: length by (parent, child), mm.
    """

    mm: Mapping[tuple[str, str], float]

    def of(self, skeleton: Skeleton) -> list[float]:
        """Return the lengths in the order of `skeleton.limbs_from_root`, mm.

        Raises:
            ConfigError: the length of a limb is missing or not positive, or the skeleton lacks one of the limbs.
        """
        limbs = {(limb.parent, limb.child) for limb in skeleton.limbs}
        unknown = sorted("-".join(limb) for limb in self.mm if limb not in limbs)
        if unknown:
            known = ", ".join(limb.name for limb in skeleton.limbs)
            raise ConfigError(f"limb lengths: expected limbs among {known}, got {', '.join(unknown)}")
        lengths = []
        for limb in skeleton.limbs_from_root:
            length = self.mm.get((limb.parent, limb.child))
            if length is None or not (length > 0 and math.isfinite(length)):
                raise ConfigError(f'limb lengths: expected a positive length of "{limb.name}" in mm, got {length}')
            lengths.append(float(length))
        return lengths

    def longest_path_mm(self, skeleton: Skeleton) -> float:
        """Return the largest possible distance of two joints: the longest path through the tree, mm.

        Feet and hands beyond ankle and wrist do not count. The path contains the half widths of the hips or shoulders,
        which point sideways and cannot be stretched along it, so it is already too long. With feet, the volume and its
        voxels would be 8 % larger for the same person.
        """
        depth = {joint: 0.0 for joint in skeleton.joints}
        longest = 0.0
        for limb, length in reversed(list(zip(skeleton.limbs_from_root, self.of(skeleton), strict=True))):
            reach = depth[limb.child] + (0.0 if is_end(limb.child) else length)
            longest = max(longest, depth[limb.parent] + reach)
            depth[limb.parent] = max(depth[limb.parent], reach)
        return longest


def read_limb_lengths(path: str | Path) -> LimbLengths:
    """Return the limb lengths, mm, of a TOML file with a table `[limb_lengths_mm]` of `"parent-child" = length`.

    Raises:
        ConfigError: the file cannot be read, or an entry is not a limb with a length.
    """
    path = Path(path)
    table = load_toml(path, where=f"{path}: limb lengths", error=ConfigError).get("limb_lengths_mm")
    if not isinstance(table, dict) or not table:
        raise ConfigError(f"{path}: expected a table [limb_lengths_mm], got none")
    lengths = {}
    for limb, length in table.items():
        ends = tuple(limb.split("-"))
        length_mm = finite_number(length)
        if len(ends) != 2 or length_mm is None or length_mm <= 0:
            raise ConfigError(f'{path}: expected "parent-child" = length in mm, got {limb!r} = {length!r:.40}')
        lengths[ends[0], ends[1]] = length_mm
    return LimbLengths(lengths)


def limb_lengths_text(lengths: LimbLengths, comment: str) -> str:
    """Return limb lengths as a file that `read_limb_lengths` reads, to a tenth of a millimetre.

    >>> print(limb_lengths_text(LimbLengths({("pelvis", "thorax"): 512.34}), "measured"), end="")
    # measured
    [limb_lengths_mm]
    "pelvis-thorax" = 512.3
    """
    lines = [f"# {comment}", "[limb_lengths_mm]"]
    return "\n".join([*lines, *(f'"{parent}-{child}" = {mm:.1f}' for (parent, child), mm in lengths.mm.items())]) + "\n"
