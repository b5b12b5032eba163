"""A skeleton defined by the user in a small TOML file.

```toml
name = "fencer"
joints = ["pelvis", "left_hip", "right_hip"]
limbs = [["pelvis", "left_hip"], ["pelvis", "right_hip"]]   # [nearer the root, farther]
flip_pairs = [["left_hip", "right_hip"]]                    # may be left out
```
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poseharvest.errors import FormatError, SkeletonError
from poseharvest.reading.documents import load_toml
from poseharvest.skeleton.definitions import skeleton_by_name
from poseharvest.skeleton.skeleton import Limb, Skeleton

_REQUIRED = ("name", "joints", "limbs")
_KEYS = (*_REQUIRED, "flip_pairs")


@dataclass(frozen=True)
class SkeletonTable:
    """The content of a file, before the limbs are checked.

    Attributes:
        name: name of the skeleton or layout.
        joints: names in order.
        limbs: (parent, child) pairs.
        flip_pairs: (left, right) pairs.
    """

    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[str, str], ...]
    flip_pairs: tuple[tuple[str, str], ...]

    def skeleton(self, path: Path, joints: tuple[str, ...] | None = None) -> Skeleton:
        """Return the skeleton over all joints of the file, or over `joints`.

        Raises:
            SkeletonError: the limbs are not a tree over the joints; the message names the file.
        """
        limbs = tuple(Limb(*pair) for pair in self.limbs)
        try:
            return Skeleton(self.name, self.joints if joints is None else joints, limbs, self.flip_pairs)
        except SkeletonError as error:
            raise SkeletonError(f"{path}: {error}") from error


def is_skeleton_file(name_or_path: str) -> bool:
    """Return whether a text is the path of a skeleton file, not the name of a built-in skeleton."""
    return name_or_path.lower().endswith(".toml")


def choose_skeleton(name_or_path: str, folder: Path | None = None) -> Skeleton:
    """Return a built-in skeleton by its name, or the one in a file whose path ends in .toml.

    Args:
        name_or_path: what the user writes.
        folder: from which a relative path starts; None is where the program runs.

    Raises:
        FormatError: the file is missing or damaged.
        SkeletonError: there is no built-in skeleton of that name, or the file's limbs are not a tree over its joints.
    """
    if is_skeleton_file(name_or_path):
        return read_skeleton((folder or Path()) / name_or_path)
    return skeleton_by_name(name_or_path)


def read_skeleton(path: Path) -> Skeleton:
    """Return the skeleton in the TOML file at `path`.

    Raises:
        FormatError: the file cannot be read, is not TOML, or a key is missing, unknown or of the wrong type.
        SkeletonError: the limbs are not a tree over the joints.
    """
    table = read_skeleton_table(path)
    if "" in table.joints:
        raise FormatError(f'{path}: key "joints": expected a list of names, got an empty one')
    return table.skeleton(path)


def read_skeleton_table(path: Path, *, limbs_required: bool = True) -> SkeletonTable:
    """Return the content of the TOML file at `path`; a joint without a name is "".

    Raises:
        FormatError: the file cannot be read, is not TOML, or a key is missing, unknown or of the wrong type.
    """
    table = load_toml(path, where=str(path))
    _check_keys(table, path, _REQUIRED if limbs_required else _REQUIRED[:-1])
    return SkeletonTable(
        name=_name(table, path),
        joints=_joints(table, path),
        limbs=_pairs(table, "limbs", path),
        flip_pairs=_pairs(table, "flip_pairs", path),
    )


def write_skeleton(skeleton: Skeleton, path: Path) -> None:
    """Write `skeleton` as a TOML file that `read_skeleton` reads."""
    lines = [
        f"name = {_quote(skeleton.name)}",
        f"joints = [{', '.join(map(_quote, skeleton.joints))}]",
        f"limbs = {_quote_pairs([(limb.parent, limb.child) for limb in skeleton.limbs])}",
        f"flip_pairs = {_quote_pairs(list(skeleton.flip_pairs))}",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _check_keys(table: dict[str, Any], path: Path, required: tuple[str, ...]) -> None:
    for key in table:
        if key not in _KEYS:
            nearest = difflib.get_close_matches(key, _KEYS, n=1)
            hint = f'; did you mean "{nearest[0]}"?' if nearest else ""
            raise FormatError(f'{path}: key "{key}": expected one of {", ".join(_KEYS)}{hint}')
    missing = [key for key in required if key not in table]
    if missing:
        raise FormatError(f"{path}: keys missing: {', '.join(missing)}")


def _name(table: dict[str, Any], path: Path) -> str:
    name = table["name"]
    if not (isinstance(name, str) and name):
        raise FormatError(f'{path}: key "name": expected a name, got {name!r}')
    return name


def _joints(table: dict[str, Any], path: Path) -> tuple[str, ...]:
    joints = table["joints"]
    if not (isinstance(joints, list) and joints and all(isinstance(joint, str) for joint in joints)):
        raise FormatError(f'{path}: key "joints": expected a list of names, got {joints!r}')
    return tuple(joints)


def _pairs(table: dict[str, Any], key: str, path: Path) -> tuple[tuple[str, str], ...]:
    pairs = table.get(key, [])
    if not isinstance(pairs, list):
        raise FormatError(f'{path}: key "{key}": expected a list of pairs of joints, got {pairs!r}')
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(joint, str) for joint in pair)):
            raise FormatError(f'{path}: key "{key}": expected a pair of joints such as ["a", "b"], got {pair!r}')
    return tuple((a, b) for a, b in pairs)


def _quote(text: str) -> str:
    # JSON and TOML escape alike, except that TOML requires an escaped DEL and forbids surrogate pairs.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _quote_pairs(pairs: list[tuple[str, str]]) -> str:
    return "[" + ", ".join(f"[{_quote(a)}, {_quote(b)}]" for a, b in pairs) + "]"
