"""Motion capture in the BVH text format: a tree of joints with offsets, and a row of channels a frame.

`HIERARCHY` nests `ROOT`, `JOINT` and `End Site`, each with an `OFFSET` from its parent and, but for end sites, its
`CHANNELS`: positions, and rotations in degrees that are applied in the order listed. `MOTION` gives `Frames:`, `Frame
Time:` (seconds) and the rows. The file states neither the unit of length nor the axis that points up. An end site has
no name in the file; here it is named after its parent, as in `Head.end`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poseharvest.errors import FormatError
from poseharvest.studio.kinematics import Floats, turned

_CHANNELS = tuple(f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ")


@dataclass(frozen=True)
class BvhJoint:
    """A joint of the tree.

    Attributes:
        name: its name; that of an end site is its parent's with `.end`.
        parent: place of its parent among the joints, -1 for the root.
        offset: (x, y, z) from its parent, in the file's unit.
        channels: the names of its channels in the order of the rows.
    """

    name: str
    parent: int
    offset: tuple[float, float, float]
    channels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class BvhClip:
    """A clip of motion.

    Attributes:
        joints: parents before children.
        rows: (F, C) channels of all joints, degrees and the file's unit of length.
        frame_s: seconds from frame to frame.
    """

    joints: tuple[BvhJoint, ...]
    rows: Floats
    frame_s: float

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the last."""
        return (len(self.rows) - 1) * self.frame_s

    def positions(self) -> dict[str, Floats]:
        """Return the place (F, 3) of every joint by name, in the file's unit and axes."""
        places: list[Floats] = []
        turns: list[Floats] = []
        column = 0
        for joint in self.joints:
            values = self.rows[:, column : column + len(joint.channels)]
            column += len(joint.channels)
            shift = np.tile(np.array(joint.offset), (len(self.rows), 1))
            turn = np.tile(np.eye(3), (len(self.rows), 1, 1))
            moved = [name for name in joint.channels if name.endswith("position")]
            if moved:
                shift = shift * [f"{axis}position" not in moved for axis in "XYZ"]
            for name, value in zip(joint.channels, values.T, strict=True):
                axis = "XYZ".index(name[0])
                if name.endswith("position"):
                    shift[:, axis] += value
                else:
                    turn = turn @ turned(axis, np.deg2rad(value))
            if joint.parent >= 0:
                shift = places[joint.parent] + np.einsum("fij,fj->fi", turns[joint.parent], shift)
                turn = turns[joint.parent] @ turn
            places.append(shift)
            turns.append(turn)
        return {joint.name: place for joint, place in zip(self.joints, places, strict=True)}


def read_bvh(path: str | Path) -> BvhClip:
    """Return the clip of a BVH file.

    Raises:
        FormatError: the file cannot be read, or is no BVH; the message says at which line.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: expected a BVH text file, it cannot be read: {error}") from error
    reader = _Reader(path, lines)
    joints = reader.hierarchy()
    return reader.motion(joints)


class _Reader:
    """Reads the lines of a file one after the other, and knows the line number for error messages."""

    def __init__(self, path: Path, lines: list[str]) -> None:
        self._path = path
        self._lines: Iterator[tuple[int, list[str]]] = (
            (number, line.split()) for number, line in enumerate(lines, 1) if line.strip()
        )
        self._number = 0

    def fault(self, expected: str, got: str) -> FormatError:
        return FormatError(f"{self._path}: line {self._number}: expected {expected}, got {got}")

    def words(self, expected: str) -> list[str]:
        """Return the words of the next line that is not empty."""
        following = next(self._lines, None)
        if following is None:
            raise self.fault(expected, "the end of the file")
        self._number, words = following
        return words

    def expect(self, *first: str) -> list[str]:
        """Return the words after `first` in the next line, which must begin with it."""
        wanted = " ".join(first)
        words = self.words(wanted)
        if [word.lower() for word in words[: len(first)]] != [word.lower() for word in first]:
            raise self.fault(wanted, f'"{" ".join(words)}"')
        return words[len(first) :]

    def numbers(self, words: list[str], count: int, what: str) -> list[float]:
        try:
            values = [float(word) for word in words]
        except ValueError:
            values = []
        if len(values) != count or not np.isfinite(values).all():
            raise self.fault(f"{count} numbers for {what}", f'"{" ".join(words[:8])}" ({len(words)} words)')
        return values

    def hierarchy(self) -> tuple[BvhJoint, ...]:
        self.expect("HIERARCHY")
        joints: list[BvhJoint] = []
        above = [-1]
        name = " ".join(self.expect("ROOT"))
        while True:
            joints.append(self._joint(name, above[-1], joints))
            above.append(len(joints) - 1)
            words = self.words("JOINT, End Site or }")
            while words == ["}"]:
                above.pop()
                if len(above) == 1:
                    return tuple(joints)
                words = self.words("JOINT, End Site or }")
            kind = words[0].lower()
            if kind == "joint" and len(words) > 1:
                name = " ".join(words[1:])
            elif [word.lower() for word in words] == ["end", "site"]:
                name = f"{joints[above[-1]].name}.end"
            else:
                raise self.fault("JOINT, End Site or }", f'"{" ".join(words)}"')

    def _joint(self, name: str, parent: int, joints: list[BvhJoint]) -> BvhJoint:
        if not name or any(joint.name == name for joint in joints):
            raise self.fault("a joint name that is not taken", f'"{name}"')
        self.expect("{")
        x, y, z = self.numbers(self.expect("OFFSET"), 3, "OFFSET")
        if name.endswith(".end"):
            return BvhJoint(name, parent, (x, y, z), ())
        words = self.expect("CHANNELS")
        known = {channel.lower(): channel for channel in _CHANNELS}
        channels = [known.get(word.lower(), "") for word in words[1:]]
        if not words or words[0] != str(len(channels)) or "" in channels:
            raise self.fault(f"the number of channels and their names ({', '.join(_CHANNELS)})", f'"{" ".join(words)}"')
        return BvhJoint(name, parent, (x, y, z), tuple(channels))

    def motion(self, joints: tuple[BvhJoint, ...]) -> BvhClip:
        self.expect("MOTION")
        num_frames = int(self.numbers(self.expect("Frames:"), 1, "Frames:")[0])
        frame_s = self.numbers(self.expect("Frame", "Time:"), 1, "Frame Time:")[0]
        if num_frames < 1 or frame_s <= 0:
            raise self.fault("at least one frame and a positive frame time", f"{num_frames} frames of {frame_s} s")
        width = sum(len(joint.channels) for joint in joints)
        rows = [
            self.numbers(self.words(f"{num_frames} rows of channels"), width, "the channels") for _ in range(num_frames)
        ]
        return BvhClip(joints, np.array(rows), frame_s)
