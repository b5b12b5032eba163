"""Human3.6M, CMU Panoptic, VoxelPose and Qualisys: published formats with published files."""

from __future__ import annotations

import json

import pytest
import torch
from torch.testing import assert_close

from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.formats import FORMATS
from poseharvest.calibration.h36m import read_h36m, reject_h36m, write_h36m
from poseharvest.calibration.panoptic import read_panoptic, reject_panoptic, write_panoptic
from poseharvest.calibration.qualisys import read_qualisys
from poseharvest.calibration.rig_audit import audit_rig
from poseharvest.calibration.toml_cameras import read_toml
from poseharvest.calibration.voxelpose import read_voxelpose, reject_voxelpose, write_voxelpose
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.geometry.rig import inside_image

SIZES = {f"cam{i:02d}": (720, 1280) for i in range(3)}


@pytest.fixture
def h36m_path(shared_dir):
    return shared_dir / "cameras/h36m-camera-parameters.json"


@pytest.fixture
def panoptic_path(shared_dir):
    return shared_dir / "fixtures/panoptic/160906_band2/calibration_160906_band2.json"


@pytest.fixture
def qualisys_path(shared_dir):
    return shared_dir / "fixtures/calibration/qualisys/Calib.qca.txt"


def test_h36m_is_read_as_written(tmp_path, rig, assert_same_rig):
    path = tmp_path / "cameras.json"
    write_h36m(rig, path, subject="S3")
    assert reject_h36m(path) is None
    assert_same_rig(read_h36m(path, ReadOptions(image_sizes=SIZES)), rig)
    assert_same_rig(read_h36m(path, ReadOptions(image_sizes=SIZES, subject="S3")), rig)


def test_panoptic_is_read_as_written(tmp_path, rig, assert_same_rig):
    path = tmp_path / "calibration.json"
    write_panoptic(rig, path)
    assert reject_panoptic(path) is None
    assert_same_rig(read_panoptic(path), rig)


def test_voxelpose_is_read_as_written(tmp_path, rig, assert_same_rig):
    path = tmp_path / "calibration.json"
    write_voxelpose(rig, path)
    assert reject_voxelpose(path) is None
    assert_same_rig(read_voxelpose(path, ReadOptions(image_sizes=SIZES)), rig)
    with pytest.raises(CalibrationError, match="the size of the pictures is not in the file"):
        read_voxelpose(path)


def test_the_formats_do_not_take_each_other_s_files(tmp_path, rig):
    for write, own in ((write_h36m, "h36m"), (write_panoptic, "panoptic"), (write_voxelpose, "voxelpose")):
        path = tmp_path / "calibration.json"
        write(rig, path)
        assert [name for name, known in FORMATS.items() if known.reject(path) is None] == [own]


@pytest.mark.parametrize(
    ("read", "write"), [(read_h36m, write_h36m), (read_panoptic, write_panoptic), (read_voxelpose, write_voxelpose)]
)
def test_truncated_json_says_where(tmp_path, rig, read, write):
    path = tmp_path / "calibration.json"
    write(rig, path)
    path.write_text(path.read_text()[:400])
    with pytest.raises(FormatError, match=r"calibration.json: not .*: not valid JSON at line \d+"):
        read(path)


def test_a_missing_key_is_named(tmp_path, rig):
    path = tmp_path / "calibration.json"
    write_panoptic(rig, path)
    document = json.loads(path.read_text())
    del document["cameras"][1]["t"]
    path.write_text(json.dumps(document))
    with pytest.raises(
        FormatError, match=r'calibration.json: camera "cam01": translation: expected 3 numbers, got nothing'
    ):
        read_panoptic(path)


def test_nan_in_json_is_named(tmp_path, rig):
    path = tmp_path / "calibration.json"
    write_panoptic(rig, path)
    path.write_text(path.read_text().replace("1100.5", "NaN", 1))
    with pytest.raises(CalibrationError, match='camera "cam00": px_from_cam must be finite'):
        read_panoptic(path)


@pytest.mark.data
def test_h36m_rigs_by_subject(h36m_path):
    rig = read_h36m(h36m_path, ReadOptions(subject="S9"))
    assert rig.names == ("54138969", "55011271", "58860488", "60457274")
    assert [camera.image_size for camera in rig] == [(1002, 1000), (1000, 1000), (1000, 1000), (1002, 1000)]
    assert all(1000 < float(camera.center[2]) < 2000 for camera in rig)  # at a person's height
    assert audit_rig(rig) == []
    other = read_h36m(h36m_path, ReadOptions(subject="S1"))
    assert float((rig.cameras[0].center - other.cameras[0].center).norm()) > 1


@pytest.mark.data
def test_h36m_needs_a_subject(h36m_path):
    with pytest.raises(CalibrationError, match=r"expected a subject, one of S1, S2, .*, S11, got none"):
        read_h36m(h36m_path)
    with pytest.raises(CalibrationError, match='got "S12"'):
        read_h36m(h36m_path, ReadOptions(subject="S12"))


@pytest.mark.data
def test_panoptic_cameras_by_type(panoptic_path):
    rig = read_panoptic(panoptic_path)
    assert len(rig) == 31
    assert {camera.image_size for camera in rig} == {(1080, 1920)}
    distances = torch.stack([camera.center.norm() for camera in rig])
    assert 2000 < float(distances.median()) < 5000  # the dome's radius, mm
    assert audit_rig(rig) == []
    assert {camera.image_size for camera in read_panoptic(panoptic_path, ReadOptions(camera_type="vga"))} == {
        (480, 640)
    }
    with pytest.raises(CalibrationError, match=r'vga \(479\), hd \(31\), kinect-color \(10\) or "all", got "webcam"'):
        read_panoptic(panoptic_path, ReadOptions(camera_type="webcam"))


@pytest.mark.data
def test_panoptic_cameras_see_the_people_of_its_own_poses(panoptic_path):
    """The published 3D joints (cm) fall into the pictures: units, transposition and lens are right together."""
    scene = json.loads((panoptic_path.parent / "hdPose3d_stage1_coco19/body3DScene_00000139.json").read_text())
    joints = torch.tensor([body["joints19"] for body in scene["bodies"]], dtype=torch.float64).reshape(-1, 19, 4)
    nose, ankles = 1, [8, 14]
    shares = []
    for camera in read_panoptic(panoptic_path):
        projection = camera.project(joints[..., :3] * 10)
        assert projection.valid.all()
        assert (projection.pixels[:, nose, 1] < projection.pixels[:, ankles, 1].mean(-1)).all()
        shares.append(inside_image(projection.pixels, camera.image_size).double().mean())
    assert float(torch.stack(shares).mean()) > 0.8


@pytest.mark.data
def test_shelf_s_translation_is_the_centre(shared_dir):
    path = shared_dir / "fixtures/shelf/calibration_shelf.json"
    rig = read_voxelpose(path, ReadOptions(image_sizes={f"Camera{i}": (776, 1032) for i in range(5)}))
    expected = torch.tensor([-1586.4496077989998, -2109.46905869, 1104.209800652], dtype=torch.float64)
    assert_close(rig.cameras[0].center, expected, atol=1e-6, rtol=0)
    assert audit_rig(rig) == []


@pytest.mark.data
def test_qualisys_agrees_with_its_conversion(qualisys_path, shared_dir):
    """The capture comes with the same calibration converted by others; its distortions alone are 64 times too small."""
    rig = read_qualisys(qualisys_path)
    converted = read_toml(shared_dir / "captures/balance/calibration/calib_qualisys.toml")
    assert rig.names == ("cam01", "cam02", "cam03", "cam04")
    for ours, theirs in zip(rig, converted, strict=True):
        assert ours.image_size == theirs.image_size == (1920, 1088)
        assert_close(ours.px_from_cam, theirs.px_from_cam, atol=1e-6, rtol=0)
        assert_close(ours.rotation, theirs.rotation, atol=1e-7, rtol=0)
        assert_close(ours.center, theirs.center, atol=1e-3, rtol=0)
        scaled = tuple(64 * value for value in theirs.distortion.coefficients)
        assert ours.distortion.coefficients == pytest.approx((*scaled, 0.0), abs=1e-9)


@pytest.mark.data
def test_qualisys_leaves_out_and_refuses(qualisys_path, tmp_path):
    text, path = qualisys_path.read_text(), tmp_path / "Calib.qca.txt"
    path.write_text(text.replace('active="1"', 'active="0"', 1))
    assert read_qualisys(path).names == ("cam02", "cam03", "cam04")
    path.write_text(text.replace('viewrotation="0"', 'viewrotation="90"', 1))
    assert [camera.viewing_turn for camera in read_qualisys(path)] == [90, 0, 0, 0]
    path.write_text(text.replace('viewrotation="0"', 'viewrotation="45"', 1))
    with pytest.raises(FormatError, match='camera "cam01": expected a viewrotation of 0, 90, 180 or 270, got 45'):
        read_qualisys(path)
    path.write_text(text.replace(" r22=", " q22=", 1))
    with pytest.raises(FormatError, match='camera "cam01": <transform> lacks r22'):
        read_qualisys(path)
    path.write_text(text[:900])
    with pytest.raises(FormatError, match=r"Calib.qca.txt: not valid XML"):
        read_qualisys(path)


def test_xml_with_entities_is_refused(tmp_path):
    path = tmp_path / "bomb.qca.txt"
    path.write_text('<!DOCTYPE a [<!ENTITY b "c">]><calibration><camera/></calibration>')
    with pytest.raises(FormatError, match="XML with entity definitions is refused"):
        read_qualisys(path)
