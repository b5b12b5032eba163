"""A user's own layout of keypoint files, by the names of the joints, from a small TOML file.

```toml
name = "lab21"
joints = ["nose", "left_shoulder", "right_shoulder", "", "left_hip"]   # the rows, in order; "" leaves a row out
limbs = [["pelvis", "left_hip"]]                                       # may be left out for a person
flip_pairs = [["left_hip", "right_hip"]]                               # may be left out
```

Without limbs the tree is that of a person, and every joint must be one that it knows; with limbs the joints may be any,
an animal's say, and are the skeleton's, without further middles.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from poseharvest.detectors.keypoint_layouts import LAYOUTS, natural_skeleton
from poseharvest.errors import DetectorError, FormatError
from poseharvest.skeleton.human import HUMAN_JOINTS
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.skeleton.skeleton_file import read_skeleton_table

LAYOUT_SUFFIX = ".toml"


@dataclass(frozen=True)
class NamedLayout:
    """Rows that have names.

    Attributes:
        name: of the layout.
        rows: names of the rows, "" for a row that is left out.
        skeleton: the joints that they fill by default.
    """

    name: str
    rows: tuple[str, ...]
    skeleton: Skeleton


def choose_layout(layout: str, *, source: str) -> NamedLayout:
    """Return the layout that somebody asked for: one of LAYOUTS, or the file at a path that ends in .toml.

    Raises:
        DetectorError: there is no such layout or file, or it names a joint that no tree holds.
        FormatError: the file is damaged.
        SkeletonError: its limbs are not a tree over its joints.
    """
    if layout in LAYOUTS:
        return NamedLayout(layout, LAYOUTS[layout], natural_skeleton(LAYOUTS[layout]))
    if layout.lower().endswith(LAYOUT_SUFFIX):
        return read_layout(Path(layout))
    near = difflib.get_close_matches(layout, LAYOUTS, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    raise DetectorError(
        f'{source}: layout: expected one of {", ".join(LAYOUTS)}, or a layout file (.toml), got "{layout}"{hint}'
    )


def read_layout(path: Path) -> NamedLayout:
    """Return the layout in the TOML file at `path`.

    Raises:
        FormatError: the file cannot be read, is not TOML, or a key is missing, unknown or of the wrong type.
        DetectorError: a joint is named twice or, without limbs, is no joint of a person.
        SkeletonError: the limbs are not a tree over the joints.
    """
    table = read_skeleton_table(path, limbs_required=False)
    joints = tuple(joint for joint in table.joints if joint)
    twice = sorted({joint for joint in joints if joints.count(joint) > 1})
    if twice or not joints:
        raise DetectorError(f"{path}: joints: expected the rows' names, each once, got {', '.join(twice) or 'none'}")
    if table.limbs:
        return NamedLayout(table.name, table.joints, table.skeleton(path, joints))
    _check_known(joints, path)
    if table.flip_pairs:
        raise FormatError(f'{path}: key "flip_pairs": expected limbs with it; without limbs the sides are known')
    return NamedLayout(table.name, table.joints, natural_skeleton(joints, name=table.name))


def _check_known(joints: tuple[str, ...], path: Path) -> None:
    for joint in joints:
        if joint not in HUMAN_JOINTS:
            near = difflib.get_close_matches(joint, HUMAN_JOINTS, n=1, cutoff=0.4)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise DetectorError(
                f'{path}: joint "{joint}": expected one of {", ".join(HUMAN_JOINTS)}, or limbs in the file{hint}'
            )
