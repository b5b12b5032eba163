"""glTF 2.0 in one binary file (.glb): a figure of sticks in motion for web pages, Blender, Unity and Unreal.

A node per joint, each turned against its parent, and an animation of these rotations and of the root's place. Metres, Y
up, the person looks along Z in the rest pose, as the format wants it. Each bone is a small mesh that hangs from the
joint at its start: nothing is skinned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.bone_motion import BoneMotion, bone_motion
from poseharvest.export.bone_tree import BoneJoint, Floats
from poseharvest.export.export_options import Blank, check_blank, check_choice, check_frames
from poseharvest.export.exporter import Exporter
from poseharvest.export.trc import Up
from poseharvest.findings import Finding

_MM_PER_M: Final = 1000.0
_WIDEST_AT, _WIDTH = 0.15, 0.08  # of a bone's length: where it is widest, and how wide it is there
_FLOAT, _UINT = 5126, 5125  # the format's numbers of types
_TYPES: Final = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}
_FACES: Final = np.array([[0, 2, 1], [0, 3, 2], [0, 4, 3], [0, 1, 4], [5, 1, 2], [5, 2, 3], [5, 3, 4], [5, 4, 1]])


@dataclass(frozen=True)
class GltfOptions:
    """How to write glTF.

    Attributes:
        up: the world's axis that points up, turned into Y; "auto" goes by the body and the cameras, "keep" leaves the
            axes alone.
        blank: joints that count as missing, and are filled.
        person: whom to write; None for the only one.
        start: the capture's first frame to write, from 0.
        stop: the frame before which to stop; None is the end of the capture.
        smooth: write positions smoothed over time, with short gaps filled; otherwise those of each frame alone.
    """

    up: Up = "auto"
    blank: Blank = "unsupported"
    person: int | None = None
    start: int = 0
    stop: int | None = None
    smooth: bool = True

    def __post_init__(self) -> None:
        check_choice("up", self.up, get_args(Up))
        check_blank(self.blank)
        check_frames(self.start, self.stop)

    @property
    def constant_limbs(self) -> bool:
        """Poses are read as they are: bones are made constant here."""
        return False


def write_gltf(harvest: Harvest, path: Path, options: GltfOptions) -> tuple[Finding, ...]:
    """Write one person of the harvest as a binary glTF file.

    Returns:
        How far the joints lie from the harvest's, filled frames, joints that are left out, and the axis taken as up.

    Raises:
        ConfigError: the person is not in the harvest, there are several and none is chosen, the joint that the others
            hang from has no position, or pygltflib is missing.
    """
    try:
        import pygltflib
    except ImportError as error:
        raise ConfigError("glTF: writing needs pygltflib: pip install 'poseharvest[gltf]'") from error
    motion = bone_motion(harvest, options, "a glTF file")
    scene = _Scene(pygltflib)
    _add_nodes(scene, motion.tree)
    _add_animation(scene, motion)
    path.write_bytes(scene.content())
    return motion.findings


@dataclass(eq=False)
class _Scene:
    """A file in the making: the library's document, and the numbers that go behind it."""

    library: Any
    document: Any = field(init=False)
    numbers: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        library = self.library
        self.document = library.GLTF2(
            asset=library.Asset(generator="poseharvest", version="2.0"), scene=0, scenes=[library.Scene(nodes=[0])]
        )

    def add(self, values: Floats) -> int:
        """Add numbers (N,) or (N, 3 or 4) and return the place of their accessor; whole numbers are indices."""
        library, is_index = self.library, np.issubdtype(values.dtype, np.integer)
        rows = values.reshape(len(values), -1)
        data = values.astype("<u4" if is_index else "<f4")
        view = library.BufferView(buffer=0, byteOffset=len(self.numbers), byteLength=data.nbytes)
        accessor = library.Accessor(
            bufferView=len(self.document.bufferViews),
            componentType=_UINT if is_index else _FLOAT,
            count=len(rows),
            type=_TYPES[rows.shape[1]],
            min=data.reshape(rows.shape).min(0).tolist(),
            max=data.reshape(rows.shape).max(0).tolist(),
        )
        self.numbers += data.tobytes()
        self.document.bufferViews.append(view)
        self.document.accessors.append(accessor)
        return len(self.document.accessors) - 1

    def content(self) -> bytes:
        """Return the file."""
        self.document.buffers = [self.library.Buffer(byteLength=len(self.numbers))]
        self.document.set_binary_blob(bytes(self.numbers))
        return b"".join(self.document.save_to_bytes())


def _add_nodes(scene: _Scene, tree: Sequence[BoneJoint]) -> None:
    library = scene.library
    for number, joint in enumerate(tree):
        children = [place for place, other in enumerate(tree) if other.parent == number]
        ends = np.array([tree[child].offset for child in children]).reshape(-1, 3) / _MM_PER_M
        node = library.Node(
            name=joint.name, translation=[x / _MM_PER_M for x in joint.offset], children=children, rotation=[0, 0, 0, 1]
        )
        ends = ends[np.linalg.norm(ends, axis=1) > 0]
        if len(ends):
            node.mesh = _add_mesh(scene, ends)
        scene.document.nodes.append(node)


def _add_mesh(scene: _Scene, ends: Floats) -> int:
    """Add bones from a joint to some ends (N, 3), metres, and return the place of their mesh."""
    corners = np.concatenate([_bone(end) for end in ends])
    faces = np.concatenate([_FACES + 6 * number for number in range(len(ends))])
    library = scene.library
    attributes = library.Attributes(POSITION=scene.add(corners))
    primitive = library.Primitive(attributes=attributes, indices=scene.add(faces.reshape(-1)))
    scene.document.meshes.append(library.Mesh(primitives=[primitive]))
    return len(scene.document.meshes) - 1


def _bone(end: Floats) -> Floats:
    """Return the six corners of an octahedron from the origin to a point: start, four around, end."""
    along = end / np.linalg.norm(end)
    across = np.cross(along, np.eye(3)[np.abs(along).argmin()])
    across /= np.linalg.norm(across)
    other = np.cross(along, across)
    length = np.linalg.norm(end)
    around = [_WIDEST_AT * end + _WIDTH * length * side for side in (across, other, -across, -other)]
    corners: Floats = np.stack([np.zeros(3), *around, end])
    return corners


def _add_animation(scene: _Scene, motion: BoneMotion) -> None:
    library = scene.library
    times_s: Floats = np.arange(len(motion.root), dtype=np.float64) * motion.step_s
    times = scene.add(times_s)
    animation = library.Animation(name="motion")
    turns = [_quaternions(motion.rotations[:, number]) for number in range(len(motion.tree))]
    channels = [(0, "translation", motion.root / _MM_PER_M)]
    channels += [(number, "rotation", values) for number, values in enumerate(turns) if np.ptp(values, axis=0).any()]
    for sampler, (node, kind, values) in enumerate(channels):
        animation.samplers.append(
            library.AnimationSampler(input=times, output=scene.add(values), interpolation="LINEAR")
        )
        target = library.AnimationChannelTarget(node=node, path=kind)
        animation.channels.append(library.AnimationChannel(sampler=sampler, target=target))
    scene.document.animations.append(animation)
    for node, values in zip(scene.document.nodes, turns, strict=True):
        node.rotation = values[0].tolist()
    scene.document.nodes[0].translation = (motion.root[0] / _MM_PER_M).tolist()


def _quaternions(rotations: Floats) -> Floats:
    """Return (F, 4) x, y, z, w, each with the sign nearer to the one before: programs interpolate between them."""
    from scipy.spatial.transform import Rotation

    found: Floats = Rotation.from_matrix(rotations).as_quat()
    turns = np.where((found[1:] * found[:-1]).sum(1) < 0, -1.0, 1.0).cumprod()
    found[1:] *= turns[:, None]
    return found


EXPORTER = Exporter(
    name="gltf",
    description="a figure of sticks in motion for web pages, Blender and Unity: one person, bones of constant lengths",
    options=GltfOptions,
    write=write_gltf,
)
