from __future__ import annotations

import math

import pytest
import torch
from torch.testing import assert_close

from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.toml_cameras import read_toml, reject_toml, write_toml
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.geometry.camera import AffineCamera
from poseharvest.geometry.rig import Rig

# A camera 3 m in front of the world's origin, looking along the world's y.
TABLE = """
[{key}]
name = "{name}"
size = [1280.0, 720.0]
matrix = [[900.0, 0.0, 640.0], [0.0, 910.0, 360.0], [0.0, 0.0, 1.0]]
distortions = {distortions}
rotation = [1.5707963267948966, 0.0, 0.0]
translation = [0.0, 0.0, {depth}]
fisheye = {fisheye}
"""


def _table(key="cam1", name="cam1", distortions="[0.0, 0.0, 0.0, 0.0]", depth="3.0", fisheye="false") -> str:
    return TABLE.format(key=key, name=name, distortions=distortions, depth=depth, fisheye=fisheye)


def _write(tmp_path, *tables):
    path = tmp_path / "calib.toml"
    path.write_text("".join(tables) + "\n[metadata]\nadjusted = false\nerror = 0.0\n")
    return path


def test_a_pose2sim_file_by_hand(tmp_path):
    camera = read_toml(_write(tmp_path, _table())).camera("cam1").at(0)
    assert camera.image_size == (720, 1280)
    assert_close(camera.center, torch.tensor([0.0, -3000.0, 0.0], dtype=torch.float64), atol=1e-9, rtol=0)
    # half a metre up in the world is up in the picture: 360 - 910 * 0.5 / 3
    projection = camera.project(torch.tensor([0.3, 0.0, 0.5], dtype=torch.float64) * 1000)
    assert_close(projection.pixels, torch.tensor([640 + 90.0, 360 - 910 / 6], dtype=torch.float64))


def test_written_files_are_read_alike(tmp_path, rig, assert_same_rig):
    path = tmp_path / "calib.toml"
    write_toml(rig, path)
    assert reject_toml(path) is None
    assert_same_rig(read_toml(path), rig)
    write_toml(rig, path, unit="cm")
    assert_same_rig(read_toml(path, ReadOptions(unit="cm")), rig)


def test_a_fisheye_stays_one(tmp_path, fisheye_rig, assert_same_rig):
    path = tmp_path / "calib.toml"
    write_toml(fisheye_rig, path)
    actual_rig = read_toml(path)
    assert_same_rig(actual_rig, fisheye_rig)
    assert actual_rig.cameras[0].distortion.model == "fisheye"


def test_a_fisheye_without_distortion_is_no_pinhole(tmp_path):
    camera = read_toml(_write(tmp_path, _table(fisheye="true"))).cameras[0]
    assert camera.distortion.model == "fisheye"


def test_names_with_blanks_and_dots_survive(tmp_path, make_camera):
    rig = Rig((make_camera("left cam.1", 0.1), make_camera('right "2"', 2.0)))
    path = tmp_path / "calib.toml"
    write_toml(rig, path)
    assert read_toml(path).names == rig.names


def test_anipose_names_and_unit(tmp_path):
    path = _write(
        tmp_path, _table(key="cam_0", name="A", depth="3000.0"), _table(key="cam_1", name="B", depth="3000.0")
    )
    rig = read_toml(path, ReadOptions(unit="mm"))
    assert rig.names == ("A", "B")
    assert float(rig.cameras[0].translation[2]) == 3000.0


def test_caliscope_leaves_out_what_is_not_calibrated(tmp_path, caplog):
    table = _table(key="cameras.0").replace('name = "cam1"', "port = 0\nignore = false\nrotation_count = 1")
    ignored = (
        table
        .replace("cameras.0", "cameras.1")
        .replace("port = 0", "port = 1")
        .replace("ignore = false", "ignore = true")
    )
    bare = '[cameras.2]\nport = 2\nignore = false\nsize = [1280, 720]\nrotation = "null"\n'
    path = _write(tmp_path, table, ignored, bare)
    assert reject_toml(path) is None
    assert read_toml(path).names == ("port_0",)
    assert 'camera "port_2" is left out: it is not calibrated (no matrix, rotation, translation)' in caplog.text


def test_few_coefficients_are_filled_up_and_zero_tails_cut(tmp_path):
    path = _write(
        tmp_path,
        _table(key="a", name="a", distortions="[0.1, -0.2]"),
        _table(key="b", name="b", distortions="[0.1, -0.2, 0.0, 0.0, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]"),
    )
    a, b = read_toml(path)
    assert a.distortion.coefficients == (0.1, -0.2, 0.0, 0.0)
    assert b.distortion.coefficients == (0.1, -0.2, 0.0, 0.0, 0.3, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("900.0, 0.0", "nan, 0.0", r'calib.toml: camera "cam1": px_from_cam must be finite, got NaN'),
        ("[1.5707963267948966, 0.0, 0.0]", "[nan, 0.0, 0.0]", r'camera "cam1": rotation must be finite'),
        ("[0.0, 0.0, 3.0]", "[0.0, inf, 3.0]", r'camera "cam1": translation must be finite'),
        (
            "[1.5707963267948966, 0.0, 0.0]",
            "[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]",
            r"rotation must be orthonormal with determinant 1, .* det -1.000",
        ),
        (
            "[1.5707963267948966, 0.0, 0.0]",
            "[[1.0, 0.0, 0.0], [0.0, 1.1, 0.0], [0.0, 0.0, 1.0]]",
            r"rotation must be orthonormal with determinant 1, got \|R R\^T - I\| = 0.21",
        ),
        ("[0.0, 0.0, 1.0]]", "[0.0, 0.0, 2.0]]", r"last row of K must be \(0, 0, 1\)"),
        ("[0.0, 0.0, 0.0, 0.0]", "[0.1, nan, 0.0, 0.0]", r'camera "cam1": brown_conrady distortion: expected finite'),
        (
            "[0.0, 0.0, 0.0, 0.0]",
            "[0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.001]",
            r"a tilted lens \(14 coefficients\) is not supported, got \[0.0, 0.001\]",
        ),
    ],
)
def test_impossible_cameras_are_named(tmp_path, old, new, message):
    text = _table()
    assert old in text
    with pytest.raises(CalibrationError, match=message):
        read_toml(_write(tmp_path, text.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "translation = [0.0, 0.0, 3.0]",
            "",
            r'calib.toml: camera "cam1": translation: expected 3 numbers, got nothing',
        ),
        ("[0.0, 0.0, 3.0]", "[0.0, 3.0]", r"translation: expected 3 numbers, got shape \(2,\)"),
        ("[0.0, 0.0, 3.0]", '"near"', r"translation: expected 3 numbers, got 'near'"),
        ("[1280.0, 720.0]", "[1280.5, 720.0]", r"size: expected whole pixels, got 1280.5 x 720.0"),
        ("[0.0, 0.0, 0.0, 0.0]", "0.1", r'camera "cam1": distortion: expected a list of numbers, got 0.1'),
        ("false", '"maybe"', r"camera .cam1.: fisheye: expected true or false, got 'maybe'"),
        ("distortions =", "dist = [0.1]\ndistortions =", r"expected the distortion once, got dist, distortions"),
        ("1.5707963267948966, 0.0, 0.0", "1.57, 0.0", r"rotation: expected 3 x 3 numbers, got shape \(2,\)"),
    ],
)
def test_missing_and_misshapen_entries_are_named(tmp_path, old, new, message):
    text = _table()
    assert old in text
    with pytest.raises(FormatError, match=message):
        read_toml(_write(tmp_path, text.replace(old, new)))


def test_a_truncated_file_says_where(tmp_path):
    path = tmp_path / "calib.toml"
    path.write_text(_table().split("[0.0, 910.0")[0] + "\n[metadata]\n")
    with pytest.raises(FormatError, match=r"calib.toml: not valid TOML: .*line 6"):
        read_toml(path)


def test_a_nearly_orthonormal_matrix_becomes_a_rotation(tmp_path):
    printed = "[[1.0, 0.0, 0.0], [0.0, 0.0001, -1.0], [0.0, 1.0, 0.0]]"
    path = _write(tmp_path, _table().replace("[1.5707963267948966, 0.0, 0.0]", printed))
    rotation = read_toml(path).cameras[0].rotation
    assert_close(rotation @ rotation.T, torch.eye(3, dtype=torch.float64), atol=1e-14, rtol=0)


def test_other_kinds_of_camera_are_refused_on_writing(tmp_path):
    affine = AffineCamera("far", (480, 640), torch.eye(2, 4))
    with pytest.raises(FormatError, match=r'got camera "far" of type AffineCamera: write it as rig.json'):
        write_toml(Rig((affine,)), tmp_path / "calib.toml")
    assert not list(tmp_path.iterdir())


@pytest.mark.data
def test_the_balance_capture(shared_dir):
    rig = read_toml(shared_dir / "captures/balance/calibration/calib_scene.toml")
    assert rig.names == tuple(f"int_cam0{i}_img" for i in range(1, 5))
    camera = rig.cameras[0].at(0)
    assert camera.image_size == (1920, 1088)
    assert math.isclose(float(torch.linalg.vector_norm(camera.translation)), 3098.4, abs_tol=1)


@pytest.mark.data
def test_a_real_caliscope_file(shared_dir):
    rig = read_toml(shared_dir / "fixtures/calibration/caliscope/camera_array.toml")
    assert rig.names == ("cam_0", "cam_1", "cam_2", "cam_3")
    assert rig.cameras[0].image_size == (720, 1280)
    assert len(rig.cameras[0].distortion.coefficients) == 5
