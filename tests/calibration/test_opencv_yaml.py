from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.opencv_yaml import read_opencv_yaml, reject_opencv_yaml, write_opencv_yaml
from poseharvest.errors import CalibrationError, FormatError
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig

HEAD = '%YAML:1.0\n---\nnames:\n   - "01"\n   - "02"\n'
MATRIX = "{key}: !!opencv-matrix\n   rows: {rows}\n   cols: {columns}\n   dt: d\n   data: [ {data} ]\n"
SIZES = {"cam01": (720, 1280), "cam02": (1080, 1920)}


def _matrix(key: str, rows: int, columns: int, data: str) -> str:
    return MATRIX.format(key=key, rows=rows, columns=columns, data=data)


def _intrinsics(name: str) -> str:
    k = _matrix(f"K_{name}", 3, 3, "900., 0., 640.,\n       0., 910., 360., 0., 0., 1.")
    return k + _matrix(f"dist_{name}", 1, 5, "-1.0e-01, 2.0e-02, 0., 0., 0.")


def _extrinsics(name: str) -> str:
    vector = _matrix(f"R_{name}", 3, 1, "1.5707963267948966, 0., 0.")
    matrix = _matrix(f"Rot_{name}", 3, 3, "1., 0., 0., 0., 0., -1., 0., 1., 0.")
    return vector + matrix + _matrix(f"T_{name}", 3, 1, "0., 0., 3.")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "intri.yml").write_text(HEAD + _intrinsics("01") + _intrinsics("02"))
    (tmp_path / "extri.yml").write_text(HEAD + _extrinsics("01") + _extrinsics("02"))
    return tmp_path


def test_easymocap_files_by_hand(folder):
    for path in (folder, folder / "intri.yml", folder / "extri.yml"):
        rig = read_opencv_yaml(path, ReadOptions(image_sizes=SIZES))
        assert rig.names == ("01", "02")
        assert [camera.image_size for camera in rig] == [(720, 1280), (1080, 1920)]
        camera = rig.cameras[0]
        assert_close(camera.center, torch.tensor([0.0, -3000.0, 0.0], dtype=torch.float64), atol=1e-9, rtol=0)
        assert camera.distortion == Distortion("brown_conrady", (-0.1, 0.02, 0.0, 0.0, 0.0))
    assert reject_opencv_yaml(folder / "intri.yml") is None
    assert reject_opencv_yaml(folder / "extri.yml") is None


def test_the_size_of_the_pictures_must_come_from_somewhere(folder):
    with pytest.raises(
        CalibrationError, match=r"intri.yml: the size of the pictures is not in the file \(cameras 01, 02"
    ):
        read_opencv_yaml(folder)
    text = (folder / "intri.yml").read_text()
    (folder / "intri.yml").write_text(text + "H_01: 720\nW_01: 1280\nH_02: 720\nW_02: 1280\n")
    assert read_opencv_yaml(folder).cameras[1].image_size == (720, 1280)


@pytest.mark.parametrize("drop", ["R_", "Rot_"])
def test_either_form_of_rotation_will_do(folder, drop):
    text = (folder / "extri.yml").read_text()
    (folder / "extri.yml").write_text(text.replace(f"{drop}0", f"x{drop}0"))
    camera = read_opencv_yaml(folder, ReadOptions(image_sizes=SIZES)).cameras[0]
    assert_close(camera.center, torch.tensor([0.0, -3000.0, 0.0], dtype=torch.float64), atol=1e-9, rtol=0)


def test_names_without_quotes_keep_their_zeros(folder):
    for file in folder.iterdir():
        file.write_text(file.read_text().replace('"', ""))
    assert read_opencv_yaml(folder, ReadOptions(image_sizes=SIZES)).names == ("01", "02")


def test_written_files_are_read_alike(tmp_path, rig, assert_same_rig):
    write_opencv_yaml(rig, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["extri.yml", "intri.yml"]
    assert_same_rig(read_opencv_yaml(tmp_path), rig)


def test_eight_coefficients_survive(tmp_path, make_camera, assert_same_rig):
    lens = Distortion("brown_conrady", (0.35, 0.12, 6e-4, -4e-4, 0.02, 0.62, 0.21, 0.03))
    rig = Rig((make_camera("a", 0.1, lens), make_camera("b", 2.1, lens)))
    write_opencv_yaml(rig, tmp_path)
    assert_same_rig(read_opencv_yaml(tmp_path), rig)


def test_fisheye_has_no_place(tmp_path, fisheye_rig):
    with pytest.raises(FormatError, match='got camera "gopro0" with fisheye of 4'):
        write_opencv_yaml(fisheye_rig, tmp_path)


def test_names_that_cannot_be_keys_are_named(tmp_path, make_camera):
    rig = Rig((make_camera("left/1", 0.1), make_camera("right", 2.0)))
    with pytest.raises(FormatError, match=r"cannot hold a camera of these names \(left/1, right\)"):
        write_opencv_yaml(rig, tmp_path)


def test_a_missing_half_is_named(folder):
    (folder / "extri.yml").unlink()
    with pytest.raises(FormatError, match=r"extri.yml: expected it beside intri.yml in .*, found no such file"):
        read_opencv_yaml(folder)


def test_a_camera_in_one_half_only_is_named(folder):
    (folder / "extri.yml").write_text(HEAD + _extrinsics("01"))
    with pytest.raises(FormatError, match=r'camera "02": rotation: expected 3 x 3 numbers, got nothing'):
        read_opencv_yaml(folder, ReadOptions(image_sizes=SIZES))


def test_nan_is_named(folder):
    text = (folder / "intri.yml").read_text()
    (folder / "intri.yml").write_text(text.replace("900.", ".Nan", 1))
    with pytest.raises(CalibrationError, match=r'intri.yml: camera "01": px_from_cam must be finite'):
        read_opencv_yaml(folder, ReadOptions(image_sizes=SIZES))


def test_a_file_cut_anywhere_is_an_error(folder):
    path = folder / "intri.yml"
    text = path.read_text()
    for length in range(0, len(text) - 8, 7):
        path.write_text(text[:length])
        with pytest.raises(FormatError, match=r"^intri.yml: "):
            read_opencv_yaml(folder, ReadOptions(image_sizes=SIZES))


def test_the_reason_and_the_line_are_given(folder):
    path = folder / "intri.yml"
    path.write_text(path.read_text().split("0., 0., 1.")[0])
    with pytest.raises(
        FormatError, match=r'intri.yml: not valid OpenCV YAML: line 6: "K_01": expected rows, cols, dt and data'
    ):
        read_opencv_yaml(folder, ReadOptions(image_sizes=SIZES))


def test_a_camera_that_is_only_named_is_missing_its_matrix(folder):
    (folder / "intri.yml").write_text(HEAD + _intrinsics("01"))
    with pytest.raises(FormatError, match='camera "02": intrinsic matrix: expected 3 x 3 numbers, got nothing'):
        read_opencv_yaml(folder, ReadOptions(image_sizes=SIZES))


def test_other_yaml_is_rejected(tmp_path):
    path = tmp_path / "a.yml"
    for text in ("names: [1, 2]\n", "%YAML:1.0\n---\nfps: 30\n", "%YAML:1.0\n---\n[[[\n", ""):
        path.write_text(text)
        assert reject_opencv_yaml(path) is not None
