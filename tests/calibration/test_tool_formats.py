"""Vicon, OptiTrack, calib.io, COLMAP, bioCV and OpenCap: files in their published layouts, and their own formulas."""

from __future__ import annotations

import json
import math
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from calibration_kit import PLANTERS, cameras_of, plant_biocv, plant_colmap, plant_opencap, plant_optitrack, plant_vicon
from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.formats import FORMATS, recognise, unit_of
from poseharvest.calibration.registry import find_calibration, read_calibration
from poseharvest.calibration.rig_audit import audit_rig
from poseharvest.errors import CalibrationError, FormatError, HarvestError
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig

NAMES = sorted(PLANTERS)
POINTS = np.array([[0.0, 0.0, 1000.0], [400.0, -300.0, 200.0], [-350.0, 100.0, 1700.0], [120.0, 640.0, 900.0]])


@pytest.fixture
def radial_rig(make_camera) -> Rig:
    """Lenses without tangential terms, which every format holds."""
    lens = Distortion("brown_conrady", (-0.21, 0.25, 0.0, 0.0, -3e-3))
    return Rig(tuple(make_camera(f"cam{index:02d}", 0.4 + 1.5 * index, lens) for index in range(3)))


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_file_is_recognised_and_read(tmp_path, radial_rig, assert_same_rig, name):
    paths = PLANTERS[name](radial_rig, tmp_path)
    for path in paths:
        assert recognise(path) == name
        assert_same_rig(read_calibration(path), radial_rig, atol=1e-7)
    assert_same_rig(read_calibration(tmp_path), radial_rig, atol=1e-7)
    assert audit_rig(read_calibration(tmp_path)) == []


@pytest.mark.parametrize("name", NAMES)
def test_no_other_format_takes_its_files(tmp_path, radial_rig, name):
    for path in PLANTERS[name](radial_rig, tmp_path):
        assert [other for other, known in FORMATS.items() if known.reject(path) is None] == [name]


@pytest.mark.parametrize("name", ["optitrack", "calib_io", "colmap", "biocv", "opencap"])
def test_tangential_terms_keep_their_places(tmp_path, rig, assert_same_rig, name):
    PLANTERS[name](rig, tmp_path)
    assert_same_rig(read_calibration(tmp_path), rig, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.7, 0.95])
def test_a_truncated_file_is_refused_by_one_line(tmp_path, radial_rig, name, keep):
    path = PLANTERS[name](radial_rig, tmp_path)[0]
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(HarvestError) as caught:
        read_calibration(path)
    message = str(caught.value)
    assert message.startswith(path.name)
    assert "\n" not in message
    assert len(message) < 500


@pytest.mark.parametrize(
    ("name", "format"), [("vicon", "vicon"), ("optitrack", "optitrack"), ("biocv", "biocv"), ("opencap", "opencap")]
)
def test_a_damaged_file_is_called_by_its_nearest_format(tmp_path, radial_rig, name, format):
    path = PLANTERS[name](radial_rig, tmp_path)[0]
    path.write_bytes(path.read_bytes()[: int(0.8 * path.stat().st_size) // 2 * 2])
    with pytest.raises(CalibrationError, match=f"not a calibration of a known format, nearest to {format}: "):
        read_calibration(path)


def distorted(x: np.ndarray, y: np.ndarray, k1: float, k2: float, k3: float) -> tuple[np.ndarray, np.ndarray]:
    squared = x * x + y * y
    factor = 1 + k1 * squared + k2 * squared**2 + k3 * squared**3
    return x * factor, y * factor


def turned_by(quaternion: list[float], vectors: np.ndarray) -> np.ndarray:
    """q v q*: a rotation without a matrix."""
    x, y, z, w = np.array(quaternion) / np.linalg.norm(quaternion)
    axis = np.array([x, y, z])
    crossed = np.cross(axis, vectors)
    return vectors + 2 * (w * crossed + np.cross(axis, crossed))


def attributes(text: str, tag: str) -> list[dict[str, str]]:
    return [dict(re.findall(r'(\w+)="([^"]*)"', found)) for found in re.findall(rf"<{tag}\b[^>]*>", text)]


def test_vicon_by_its_own_formula(tmp_path, radial_rig):
    (path,) = plant_vicon(radial_rig, tmp_path)
    frames, sensors = attributes(path.read_text(), "KeyFrame"), attributes(path.read_text(), "Camera")
    for camera, frame, sensor in zip(read_calibration(path), frames, sensors, strict=True):
        ours = camera.project(torch.from_numpy(POINTS)).pixels.numpy()
        offset = POINTS - np.array(frame["POSITION"].split(), dtype=float)
        x, y, z = turned_by([float(word) for word in frame["ORIENTATION"].split()], offset).T
        x, y = distorted(x / z, y / z, *map(float, frame["VICON_RADIAL2"].split()[3:]))
        focal, middle = float(frame["FOCAL_LENGTH"]), [float(word) for word in frame["PRINCIPAL_POINT"].split()]
        theirs = np.stack((focal * x + middle[0], focal / float(sensor["PIXEL_ASPECT_RATIO"]) * y + middle[1]), 1)
        np.testing.assert_allclose(ours, theirs, atol=1e-8)


def test_optitrack_by_its_own_formula(tmp_path, rig):
    """The camera of Motive looks along -z with y up: pixels are c + f x / -z to the right and c - f y / -z down."""
    (path,) = plant_optitrack(Rig(tuple(replace(one, distortion=Distortion()) for one in cameras_of(rig))), tmp_path)
    text = path.read_bytes().decode("utf-16-le")
    places, lenses = attributes(text, "Extrinsic"), attributes(text, "IntrinsicStandardCameraModel")
    for camera, place, lens in zip(read_calibration(path), places, lenses, strict=True):
        ours = camera.project(torch.from_numpy(POINTS)).pixels.numpy()
        axes = np.array([float(place[f"OrientMatrix{index}"]) for index in range(9)]).reshape(3, 3)
        offset = POINTS / 1000 - np.array([float(place[axis]) for axis in "XYZ"])
        x, y, z = (offset @ axes[:, column] for column in range(3))  # the columns are the camera's axes in the world
        assert (z < 0).all()
        numbers = {key: float(value) for key, value in lens.items()}
        theirs = np.stack(
            (
                numbers["LensCenterX"] + numbers["HorizontalFocalLength"] * x / -z,
                numbers["LensCenterY"] - numbers["VerticalFocalLength"] * y / -z,
            ),
            1,
        )
        np.testing.assert_allclose(ours, theirs, atol=1e-8)


def test_optitrack_with_numbers_that_motive_wrote(tmp_path, radial_rig):
    """The published pose of a camera at (-0.27, 2.66, -3.51) m: it looks down into the room, and is no mirror."""
    (path,) = plant_optitrack(radial_rig, tmp_path)
    published = [-0.995356, -0.046982, 0.084021, 0.000355, 0.871016, 0.491255, -0.096264, 0.489003, -0.866954]
    matrix = " ".join(f'OrientMatrix{index}="{value}"' for index, value in enumerate(published))
    text = path.read_bytes().decode("utf-16-le")
    place = f'<Extrinsic X="-0.268640" Y="2.655145" Z="-3.509723" {matrix}/>'
    path.write_text(re.sub(r"<Extrinsic[^>]*>", place, text, count=1), encoding="utf-16")
    camera = cameras_of(read_calibration(path))[0]
    assert float(torch.linalg.det(camera.rotation)) == pytest.approx(1)
    down, forward = camera.rotation[1], camera.rotation[2]
    assert float(down[1]) < -0.8  # y is up in Motive's world
    floor = camera.center - forward * camera.center[1] / forward[1]
    assert float((floor / 1000)[[0, 2]].norm()) < 2  # where it looks at the floor, metres from the origin


def test_colmap_by_its_own_formula(tmp_path, radial_rig):
    plant_colmap(radial_rig, tmp_path)
    cameras = [line.split() for line in (tmp_path / "cameras.txt").read_text().splitlines()[1:]]
    images = [line.split() for line in (tmp_path / "images.txt").read_text().splitlines()[1::2]]
    for camera, lens, image in zip(read_calibration(tmp_path), cameras, images, strict=True):
        ours = camera.project(torch.from_numpy(POINTS)).pixels.numpy()
        w, x, y, z, *shift = map(float, image[1:8])
        x, y, z = (turned_by([x, y, z, w], POINTS / 1000) + shift).T
        fx, fy, cx, cy, k1, k2, _, _, k3 = map(float, lens[4:13])
        x, y = distorted(x / z, y / z, k1, k2, k3)
        theirs = np.stack((fx * x + cx, fy * y + cy), 1) - 0.5  # their first pixel's middle is (0.5, 0.5)
        np.testing.assert_allclose(ours, theirs, atol=1e-8)


def test_colmap_fisheye_lenses(tmp_path, fisheye_rig, assert_same_rig):
    plant_colmap(fisheye_rig, tmp_path)
    assert_same_rig(read_calibration(tmp_path), fisheye_rig, atol=1e-7)


@pytest.mark.parametrize(
    ("model", "numbers", "lens"),
    [
        ("SIMPLE_PINHOLE", "1100 640 360", ()),
        ("PINHOLE", "1100 1100 640 360", ()),
        ("SIMPLE_RADIAL", "1100 640 360 -0.1", (-0.1, 0, 0, 0)),
        ("RADIAL", "1100 640 360 -0.1 0.02", (-0.1, 0.02, 0, 0)),
        ("OPENCV", "1100 1100 640 360 -0.1 0.02 0.001 -0.002", (-0.1, 0.02, 0.001, -0.002)),
        ("RADIAL_FISHEYE", "1100 640 360 -0.1 0.02", (-0.1, 0.02, 0, 0)),
    ],
)
def test_colmap_camera_models(tmp_path, radial_rig, model, numbers, lens):
    plant_colmap(radial_rig, tmp_path)
    lines = [f"{number} {model} 1280 720 {numbers}" for number in (1, 2, 3)]
    (tmp_path / "cameras.txt").write_text("\n".join(lines))
    camera = cameras_of(read_calibration(tmp_path))[0]
    assert camera.px_from_cam.tolist() == [[1100, 0, 639.5], [0, 1100, 359.5], [0, 0, 1]]
    assert camera.image_size == (720, 1280)
    assert tuple(camera.distortion.coefficients) == lens
    assert (camera.distortion.model == "fisheye") == model.endswith("FISHEYE")


def test_colmap_refuses_what_is_no_rig(tmp_path, radial_rig):
    cameras, images = plant_colmap(radial_rig, tmp_path)
    lens, poses = cameras.read_text(), images.read_text()
    images.write_text(poses.replace("cam01.jpg", "cam00.png"))
    with pytest.raises(
        CalibrationError, match=r'camera "cam00": expected one picture a camera, got cam00.jpg and cam0'
    ):
        read_calibration(cameras)
    images.write_text(poses.replace("1 cam00.jpg", "7 cam00.jpg"))
    with pytest.raises(FormatError, match=r'camera "cam00": expected a camera of cameras.txt, got id \'7\''):
        read_calibration(cameras)
    images.write_text(poses)
    cameras.write_text(lens.replace("FULL_OPENCV", "FOV"))
    with pytest.raises(CalibrationError, match=r"lens: expected a model of SIMPLE_PINHOLE, .*, got 'FOV'"):
        read_calibration(cameras)
    images.unlink()
    with pytest.raises(CalibrationError, match=r"nearest to colmap: no images.txt beside it"):
        read_calibration(cameras)


def test_colmap_names_cameras_by_folders_and_has_no_unit(tmp_path, radial_rig):
    cameras, images = plant_colmap(radial_rig, tmp_path)
    images.write_text(re.sub(r"(cam\d+)\.jpg", r"\1/000 12.jpg", images.read_text()))
    notes: list[str] = []
    rig = FORMATS["colmap"].read(cameras, ReadOptions(on_note=notes.append))
    assert rig.names == radial_rig.names
    assert len(notes) == 1
    assert "a model of COLMAP has no unit of its own: read as metres" in notes[0]
    FORMATS["colmap"].read(cameras, ReadOptions(unit="mm", on_note=notes.append))
    assert len(notes) == 1


def test_vicon_leaves_out_and_refuses(tmp_path, radial_rig):
    (path,) = plant_vicon(radial_rig, tmp_path)
    text = path.read_text()
    marker = re.sub(r'VICON_RADIAL2="[^"]*"', 'VICON_RADIAL="1.2e-08 3e-15"', text, count=1)
    notes: list[str] = []
    path.write_text(re.sub(r"(cam01.*?)<KeyFrames>.*?</KeyFrames>", r"\1", marker))
    assert len(list(FORMATS["vicon"].reject(path) or [])) == 0
    with pytest.raises(CalibrationError, match=r"expected at least two cameras, got 1 \(cam02\)"):
        read_calibration(path)
    rig = FORMATS["vicon"].read(path, ReadOptions(on_note=notes.append))
    assert rig.names == ("cam02",)
    assert notes == ["trial.xcp: cameras are left out: cam00 (a marker camera), cam01 (not calibrated)"]
    path.write_text(text.replace("ORIENTATION=", "TURN=", 1))
    with pytest.raises(FormatError, match=r'trial.xcp: read as vicon: camera "cam00": <KeyFrame> lacks ORIENTATION'):
        read_calibration(path)
    path.write_text(re.sub(r'ORIENTATION="[^"]*"', 'ORIENTATION="0 0 0 0"', text, count=1))
    with pytest.raises(FormatError, match=r"ORIENTATION: expected a quaternion, got \[0.0, 0.0, 0.0, 0.0\]"):
        read_calibration(path)
    path.write_text(re.sub(r'PIXEL_ASPECT_RATIO="[^"]*"', 'PIXEL_ASPECT_RATIO="0"', text, count=1))
    with pytest.raises(FormatError, match=r"PIXEL_ASPECT_RATIO: expected a positive number, got 0"):
        read_calibration(path)


def test_optitrack_leaves_out_cameras_without_the_standard_lens(tmp_path, radial_rig):
    (path,) = plant_optitrack(radial_rig, tmp_path)
    text = path.read_bytes().decode("utf-16-le")
    path.write_text(text.replace("IntrinsicStandardCameraModel", "Other", 1), encoding="utf-16")
    notes: list[str] = []
    rig = FORMATS["optitrack"].read(path, ReadOptions(on_note=notes.append))
    assert rig.names == ("cam01", "cam02")
    assert notes[0].endswith("are left out: cam00")
    path.write_text(text.replace("IntrinsicStandardCameraModel", "Other"), encoding="utf-16")
    with pytest.raises(
        CalibrationError, match="expected calibrated cameras with <IntrinsicStandardCameraModel>, got no"
    ):
        read_calibration(path)


def test_calib_io_says_what_is_missing_and_takes_no_other_model(tmp_path, radial_rig):
    (path,) = PLANTERS["calib_io"](radial_rig, tmp_path)
    document = json.loads(path.read_text())
    first = document["Calibration"]["cameras"][0]
    del first["transform"]["rotation"]["ry"]
    path.write_text(json.dumps(document))
    with pytest.raises(FormatError, match=r"calibrated.json: read as calib_io: camera 0: transform.rotation.ry: Field"):
        read_calibration(path)
    first["model"]["polymorphic_name"] = "libCalib::CameraModelKannalaBrandt"
    path.write_text(json.dumps(document))
    with pytest.raises(CalibrationError, match=r"expected libCalib::CameraModelOpenCV, got .*KannalaBrandt"):
        read_calibration(path)


def test_calib_io_cameras_without_a_serial_have_numbers(tmp_path, radial_rig):
    (path,) = PLANTERS["calib_io"](radial_rig, tmp_path)
    document = json.loads(path.read_text())
    for camera in document["Calibration"]["cameras"]:
        del camera["serial"]
    path.write_text(json.dumps({"calibration": document["Calibration"]}))
    assert read_calibration(path).names == ("camera_0", "camera_1", "camera_2")


def test_one_file_stands_for_all_cameras_of_a_folder(tmp_path, radial_rig):
    biocv, opencap = tmp_path / "biocv", tmp_path / "opencap"
    biocv.mkdir()
    assert find_calibration(plant_biocv(radial_rig, biocv)[2].parent) == biocv / "cam00.mp4.calib"
    plant_opencap(radial_rig, opencap)
    assert find_calibration(opencap) == opencap / "Videos/cam00/cameraIntrinsicsExtrinsics.pickle"
    assert find_calibration(opencap / "Videos") == opencap / "Videos/cam00/cameraIntrinsicsExtrinsics.pickle"


def test_a_damaged_camera_among_several_files_is_named(tmp_path, radial_rig):
    paths = plant_biocv(radial_rig, tmp_path)
    paths[1].write_text("\n".join(paths[1].read_text().splitlines()[:7]))
    with pytest.raises(FormatError, match=r"cam01.mp4.calib: not a calibration of bioCV: expected 10 lines"):
        read_calibration(tmp_path)


def test_opencap_in_one_folder_is_named_by_the_files(tmp_path, radial_rig, assert_same_rig):
    for path in plant_opencap(radial_rig, tmp_path / "all"):
        (tmp_path / f"{path.parent.name}.pickle").write_bytes(path.read_bytes())
    (tmp_path / "keypoints.pkl").write_bytes(pickle.dumps([1, 2]))
    assert_same_rig(read_calibration(tmp_path / "cam01.pickle"), radial_rig, atol=1e-7)


def test_an_opencap_pickle_runs_nothing(tmp_path, radial_rig):
    class Harmful:
        def __reduce__(self):
            return (math.sqrt, (4.0,))

    path = plant_opencap(radial_rig, tmp_path)[0]
    path.write_bytes(pickle.dumps({"intrinsicMat": Harmful(), "rotation": 1}))
    with pytest.raises(CalibrationError, match=r"nearest to opencap: .*expected a pickle of plain values.*math.sqrt"):
        read_calibration(path)


@pytest.mark.parametrize("name", NAMES)
def test_units(tmp_path, radial_rig, name):
    path = PLANTERS[name](radial_rig, tmp_path)[0]
    assert unit_of(path) == FORMATS[name].default_unit
    scaled = read_calibration(path, unit="cm")
    factor = {"mm": 10.0, "m": 0.01}[FORMATS[name].default_unit]
    for ours, theirs in zip(cameras_of(scaled), cameras_of(radial_rig), strict=True):
        np.testing.assert_allclose(ours.center, theirs.center * factor, rtol=1e-7)


@pytest.mark.parametrize(
    ("name", "what"), [("old.cal", "OptiTrack's Motive"), ("cameras.bin", "a binary model of COLMAP")]
)
def test_binary_kinds_are_named(tmp_path, name, what):
    (tmp_path / name).write_bytes(b"\x00\x01\x02\xff" * 40)
    with pytest.raises(CalibrationError, match=f"{name}, .*{what}"):
        find_calibration(tmp_path)
