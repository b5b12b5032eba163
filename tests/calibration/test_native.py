from __future__ import annotations

import json

import pytest
import torch

from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.native import read_rig, reject_rig, rig_from_dict, rig_to_dict, write_rig
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.geometry.camera import AffineCamera, MovingCamera
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig


@pytest.fixture
def mixed_rig(make_camera) -> Rig:
    """Every kind of camera and lens."""
    rows = torch.rand(2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    pan = MovingCamera("pan", tuple(make_camera("pan", 0.1 + 0.01 * frame) for frame in range(3)))
    affine = AffineCamera("far", (480, 640), rows)
    return Rig((
        make_camera("plain", 0.2, Distortion()),
        make_camera("brown4", 1.3, Distortion("brown_conrady", (0.1, 1 / 3, 0.0, 1e-17))),
        make_camera("brown8", 2.2, Distortion("brown_conrady", (0.1,) * 8)),
        make_camera("fisheye", 3.0, Distortion("fisheye", (0.1, 0.2, 0.3, 0.4))),
        affine,
        pan,
        MovingCamera("far pan", (affine, affine)),
    ))


def test_every_digit_survives(tmp_path, mixed_rig):
    path = tmp_path / "rig.json"
    write_rig(mixed_rig, path)
    assert reject_rig(path) is None
    actual_rig = read_rig(path)
    assert actual_rig.names == mixed_rig.names
    for ours, theirs in zip(actual_rig, mixed_rig, strict=True):
        assert type(ours) is type(theirs)
        for a, b in zip(getattr(ours, "frames", (ours,)), getattr(theirs, "frames", (theirs,)), strict=True):
            assert a.name == b.name
            assert a.image_size == b.image_size
            parts = ("px_from_world",) if isinstance(b, AffineCamera) else ("px_from_cam", "rotation", "translation")
            assert all(torch.equal(getattr(a, part), getattr(b, part)) for part in parts)
            assert getattr(a, "distortion", None) == getattr(b, "distortion", None)


def test_writing_twice_gives_the_same_bytes_and_no_debris(tmp_path, mixed_rig):
    write_rig(mixed_rig, tmp_path / "a.json")
    write_rig(read_rig(tmp_path / "a.json"), tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json"]


def test_single_precision_cameras_are_written_exactly(tmp_path, make_camera):
    camera = make_camera("a", 0.3)
    single = type(camera)(
        "a", camera.image_size, camera.px_from_cam.float(), camera.rotation.float(), camera.translation
    )
    write_rig(Rig((single,)), tmp_path / "rig.json")
    assert torch.equal(read_rig(tmp_path / "rig.json").cameras[0].rotation, single.rotation.double())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, 'expected "format": "poseharvest-rig"'),
        ({"version": 2}, "expected version 1 in mm, got version 2 in mm"),
        ({"unit": "m"}, "expected version 1 in mm, got version 1 in m"),
        ({"cameras": 3}, 'expected a list "cameras"'),
    ],
)
def test_other_documents_are_refused(rig, change, message):
    with pytest.raises(FormatError, match=message):
        rig_from_dict(rig_to_dict(rig) | change)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"type": "orthographic"}, FormatError, "expected type perspective, affine or moving, got 'orthographic'"),
        (
            {"rotation": [[1, 0, 0]]},
            FormatError,
            r'camera "cam00": rotation: expected 3 x 3 numbers, got shape \(1, 3\)',
        ),
        ({"translation": [0, 0, float("nan")]}, CalibrationError, 'camera "cam00": translation must be finite'),
        ({"distortion": None}, FormatError, 'camera "cam00": expected a distortion with "model" and "coefficients"'),
        ({"distortion": {"model": "x", "coefficients": []}}, CalibrationError, "distortion model: expected one of"),
    ],
)
def test_broken_cameras_are_named(tmp_path, rig, change, error, message):
    document = rig_to_dict(rig)
    document["cameras"][0] |= change
    path = tmp_path / "rig.json"
    path.write_text(json.dumps(document))
    with pytest.raises(error, match=f"rig.json: .*{message}"):
        read_rig(path)


def test_a_truncated_rig_says_where(tmp_path, rig):
    path = tmp_path / "rig.json"
    write_rig(rig, path)
    path.write_text(path.read_text()[:500])
    with pytest.raises(FormatError, match=r"^rig.json: not valid JSON at line \d+"):
        read_rig(path)


def test_its_unit_is_fixed(tmp_path, rig):
    write_rig(rig, tmp_path / "rig.json")
    with pytest.raises(CalibrationError, match=r"a rig.json is in mm, got unit m"):
        read_rig(tmp_path / "rig.json", ReadOptions(unit="m"))


def test_a_folder_that_is_not_there_is_named(tmp_path, rig):
    with pytest.raises(FormatError, match=r"nowhere.rig.json: cannot be written: No such file or directory"):
        write_rig(rig, tmp_path / "nowhere" / "rig.json")
