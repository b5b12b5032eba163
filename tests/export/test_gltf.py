"""glTF read back as a viewer does it: nodes turned by the animation, bones from joint to joint, sound buffers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from harvest_kit import FRAME_RATE, make_records, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.registry import export, export_with_findings
from walker_kit import walking_pose

pygltflib = pytest.importorskip("pygltflib")

FRAMES = (3, 4, 5, 8, 9)
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """A walk with z up in frames 3 to 9; nobody is found in 6 and 7."""
    records = [replace(r, mean=torch.tensor(walking_pose(0.2 * r.frame))) for r in make_records(FRAMES)]
    for record in records:
        record.supported[:] = True
    return write_harvest(tmp_path_factory.mktemp("gltf") / "h", records)


def numbers(document, accessor: int) -> np.ndarray:
    """The numbers of an accessor, which must be what it says of them."""
    one = document.accessors[accessor]
    view = document.bufferViews[one.bufferView]
    kind = {5126: "<f4", 5125: "<u4"}[one.componentType]
    width = _WIDTHS[one.type]
    assert view.byteOffset % 4 == 0
    assert view.byteLength == 4 * one.count * width
    rows = np.frombuffer(document.binary_blob(), kind, one.count * width, view.byteOffset).reshape(-1, width)
    np.testing.assert_array_equal(rows.min(0), one.min)
    np.testing.assert_array_equal(rows.max(0), one.max)
    return rows


def places(document, frame: int) -> dict[str, np.ndarray]:
    """Where every node is in a frame of the animation, metres."""
    (animation,) = document.animations
    moved: dict[tuple[int, str], np.ndarray] = {}
    for channel in animation.channels:
        sampler = animation.samplers[channel.sampler]
        moved[channel.target.node, channel.target.path] = numbers(document, sampler.output)[frame]
    found = {}

    def go(number: int, turn: Rotation, origin: np.ndarray) -> None:
        node = document.nodes[number]
        place = origin + turn.apply(moved.get((number, "translation"), node.translation))
        found[node.name] = place
        for child in node.children or ():
            go(child, turn * Rotation.from_quat(moved.get((number, "rotation"), node.rotation)), place)

    go(document.scenes[0].nodes[0], Rotation.identity(), np.zeros(3))
    return found


def test_joints_lie_where_bvh_puts_them(walk: Harvest, tmp_path: Path) -> None:
    from poseharvest.studio.bvh import read_bvh

    document = pygltflib.GLTF2().load(str(export(walk, "gltf", tmp_path / "a.glb")))
    expected = read_bvh(export(walk, "bvh", tmp_path / "a.bvh", unit="m")).positions()
    for frame in range(7):
        for name, place in places(document, frame).items():
            np.testing.assert_allclose(place, expected[name][frame], atol=2e-5, err_msg=name)


def test_times_are_those_of_the_frames(walk: Harvest, tmp_path: Path) -> None:
    document = pygltflib.GLTF2().load(str(export(walk, "gltf", tmp_path / "a.glb")))
    times = numbers(document, document.animations[0].samplers[0].input)[:, 0]
    np.testing.assert_allclose(times, np.arange(7) / FRAME_RATE, atol=1e-6)
    for channel in document.animations[0].channels:
        if channel.target.path == "rotation":
            turns = numbers(document, document.animations[0].samplers[channel.sampler].output)
            np.testing.assert_allclose(np.linalg.norm(turns, axis=1), 1, atol=1e-6)
            assert ((turns[1:] * turns[:-1]).sum(1) > 0).all()


def test_bones_reach_from_joint_to_joint_and_face_outwards(walk: Harvest, tmp_path: Path) -> None:
    document = pygltflib.GLTF2().load(str(export(walk, "gltf", tmp_path / "a.glb")))
    drawn = 0
    for node in document.nodes:
        ends = [np.array(document.nodes[child].translation) for child in node.children or ()]
        ends = [end for end in ends if np.linalg.norm(end) > 0]
        assert (node.mesh is None) == (not ends)
        if node.mesh is None:
            continue
        (primitive,) = document.meshes[node.mesh].primitives
        corners = numbers(document, primitive.attributes.POSITION)
        faces = numbers(document, primitive.indices).reshape(-1, 3)
        for number, end in enumerate(ends):
            bone = corners[6 * number : 6 * number + 6]
            np.testing.assert_allclose(bone[0], 0, atol=1e-9)
            np.testing.assert_allclose(bone[5], end, atol=1e-6)
            a, b, c = (corners[faces[8 * number : 8 * number + 8, side]] for side in range(3))
            outwards = ((a + b + c) / 3 - bone.mean(0)) * np.cross(b - a, c - a)
            assert (outwards.sum(1) > 0).all()
            drawn += 1
    assert drawn == 15  # limbs of the skeleton


def test_gaps_and_errors_are_those_of_bones(walk: Harvest, tmp_path: Path) -> None:
    written = export_with_findings(walk, "gltf", tmp_path / "a.glb")
    assert {"bones", "gaps"} <= {finding.topic for finding in written.findings}
    with pytest.raises(ConfigError, match="person: expected one of 0, got 5"):
        export(walk, "gltf", tmp_path / "b.glb", person=5)
