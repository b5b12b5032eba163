"""Calibrations that went wrong for people: each is read right, or refused by one line that says what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torch.testing import assert_close

from cases_kit import VIEWS, make_capture
from poseharvest import Capture
from poseharvest.calibration.registry import FORMATS, read_calibration
from poseharvest.capture import CaptureSettings
from poseharvest.capture.capture_audit import audit_capture
from poseharvest.errors import CalibrationError, HarvestError
from poseharvest.geometry.rig import Rig

pytestmark = pytest.mark.data

READ = {
    "aist.json": 1000.0,  # mm from the first camera to the last
    "bom_crlf.toml": 1000.0,
    "cameras_list.toml": 1000.0,
    "cap_keys.toml": 1000.0,
    "cp1252.toml": 1000.0,
    "dist12_used.toml": 1000.0,
    "dist14.toml": 1000.0,
    "dotted.toml": 1000.0,
    "fisheye5.toml": 1000.0,
    "fisheye_str.toml": 1000.0,
    "flat_matrix.toml": 1000.0,
    "json_strings.toml": 1000.0,
    "multical.json": 1000.0,
    "no_distortions.toml": 1000.0,
    "space.toml": 1000.0,
    "strings.toml": 1000.0,
}
REFUSED = {
    "calibio.json": "calib_io: camera 0: model: expected libCalib::CameraModelOpenCV, got 'x'",
    "coco.json": "COCO",
    "dup_name.toml": "toml: .*unique, got twice: cam",
    "h36m_extr_str.json": 'h36m: "intrinsics": expected cameras',
    "h36m_like_lists.json": 'h36m: "extrinsics" of "S1"',
    "h36m_pose_none.json": 'h36m: camera "a": extrinsics',
    "intrinsics_only.toml": "no extrinsics: all 2 cameras stand at one place",
    "k4a_like.json": "Azure Kinect",
    "list.json": "aist: a list of cameras, one without",
    "matrix_scalar.toml": "toml: no extrinsics",
    "nan.toml": 'toml: camera "a": rotation must be finite',
    "nerf_transforms.json": "NeRF",
    "panoptic_like.json": "panoptic: a camera without",
    "panoptic_num.json": 'panoptic: no list "cameras"',
    "pose2sim_points.json": "Pose2Sim's list of image points",
    "rig_bad.json": 'rig: expected a list "cameras"',
    "rig_new.json": "rig: expected version 1",
    "size_3.toml": 'toml: camera "a": size: expected 2 numbers',
    "size_nan.toml": 'toml: camera "a": size: expected whole pixels',
    "size_zero.toml": 'toml: camera "a": image size must be positive',
    "translation_list_in_list.toml": 'toml: camera "a": translation: expected 3 numbers',
    "voxel_like.json": 'voxelpose: camera "1": T',
    "voxel_like2.json": "voxelpose: a camera without k, p",
}


def messages(capture: Capture, severity: str) -> str:
    return "\n".join(finding.message for finding in capture.findings if finding.severity == severity)


def assert_same_cameras(rig: Rig, scene: Rig) -> None:
    for ours, theirs in zip(rig.at(0), scene.at(0), strict=True):
        assert_close(ours.center, theirs.center, atol=0.01, rtol=0)
        assert_close(ours.rotation, theirs.rotation, atol=1e-5, rtol=0)


@pytest.fixture(scope="module")
def scene(scene_calibration) -> Rig:
    return read_calibration(scene_calibration)


def test_every_odd_shape_is_known_here(cases_dir):
    assert {path.name for path in (cases_dir / "C30_json_shapes").iterdir()} == READ.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", sorted(READ))
def test_odd_shapes_that_are_read(cases_dir, name):
    rig = read_calibration(cases_dir / "C30_json_shapes" / name)
    assert float((rig.cameras[0].center - rig.cameras[-1].center).norm()) == pytest.approx(READ[name])
    assert rig.names[0] in {"a", "c01", "cam.00", "cam1", "Miqus 0"}
    lenses = {camera.distortion.model for camera in rig}
    assert lenses == {"fisheye"} if name == "fisheye5.toml" else "fisheye" not in lenses


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_odd_shapes_that_are_refused(cases_dir, name):
    with pytest.raises(HarvestError, match=REFUSED[name]) as caught:
        read_calibration(cases_dir / "C30_json_shapes" / name)
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert "\n" not in message
    assert len(message) < 300
    assert sum(format in message for format in FORMATS) <= 2


def test_a_pose2sim_project_as_its_tool_leaves_it(cases_dir, first_videos, tmp_path):
    folder = make_capture(tmp_path / "walk", first_videos, calibration=cases_dir / "C19_pose2sim_project")
    assert Capture.open(folder).calibration == folder / "calibration/Calib_qualisys.toml"


def test_intrinsics_alone_are_no_wrong_unit(cases_dir, first_videos, tmp_path):
    folder = make_capture(tmp_path / "walk", first_videos, calibration=cases_dir / "C31_pose2sim_intrinsics_only")
    with pytest.raises(CalibrationError, match="no extrinsics: all 4 cameras stand at one place") as caught:
        Capture.open(folder)
    assert "unit" not in str(caught.value)


def test_marker_cameras_are_left_out_with_a_note(cases_dir, first_videos, tmp_path):
    names = dict(zip(VIEWS, [f"walk_Miqus_1_{serial}" for serial in range(22269, 22273)], strict=True))
    case = cases_dir / "C06b_qualisys_marker_cameras"
    folder = make_capture(tmp_path / "walk", first_videos, calibration=case, names=names)
    capture = Capture.open(folder)
    assert capture.rig.names == tuple(names.values())
    assert "calibrated cameras without footage are left out: 10100, 10101" in messages(capture, "note")
    assert audit_capture(capture).is_fit


def test_an_extra_camera_is_left_out_with_a_note(cases_dir, first_videos, tmp_path):
    names = {view: view for view in VIEWS[:3]}
    folder = make_capture(tmp_path / "w", first_videos, calibration=cases_dir / "C09_extra_camera", names=names)
    capture = Capture.open(folder)
    assert capture.rig.names == VIEWS[:3]
    assert messages(capture, "note") == "calibrated cameras without footage are left out: cam04"


def test_a_binary_calibration_is_named(cases_dir, first_videos, tmp_path):
    folder = make_capture(tmp_path / "walk", first_videos, calibration=cases_dir / "C27_qca_binary")
    with pytest.raises(CalibrationError, match=r"Calib\.qca.*binary calibration of Qualisys: .* \(\.qca\.txt\)"):
        Capture.open(folder)


def test_vicon_s_cameras(cases_dir, first_videos, tmp_path, scene):
    names = {view: f"212{number}" for number, view in enumerate(VIEWS, 1)}
    folder = make_capture(tmp_path / "walk", first_videos, calibration=cases_dir / "C21_vicon_xcp")
    capture = Capture.open(folder, settings=CaptureSettings(names=names))
    assert_same_cameras(capture.rig, scene)
    assert capture.unit == "mm"
    assert audit_capture(capture).is_fit


def test_a_model_of_colmap_has_no_unit_and_says_so(cases_dir, first_videos, tmp_path, scene):
    capture = Capture.open(make_capture(tmp_path / "walk", first_videos, calibration=cases_dir / "C22_colmap"))
    assert_same_cameras(capture.rig, scene)
    assert capture.calibration == tmp_path / "walk/sparse/0/cameras.txt"
    assert "a model of COLMAP has no unit of its own: read as metres" in messages(capture, "warning")
    assert audit_capture(capture).is_fit


def test_letters_of_anipose_meet(cases_dir, first_videos, tmp_path, scene):
    names = dict(zip(VIEWS, [f"vid1-cam{letter}" for letter in "ABCD"], strict=True))
    folder = make_capture(tmp_path / "w", first_videos, calibration=cases_dir / "C12i_anipose_camA", names=names)
    assert_same_cameras(Capture.open(folder).rig, scene)


def test_names_that_share_nothing_name_the_remedy(cases_dir, first_videos, tmp_path):
    names = dict(zip(VIEWS, [f"GX01004{i}" for i in range(4)], strict=True))
    folder = make_capture(tmp_path / "walk", first_videos, calibration=cases_dir / "C12g_gopro", names=names)
    with pytest.raises(CalibrationError, match=r"in capture\.toml, under \[names\]"):
        Capture.open(folder)
    views = {name: f"int_cam{number}_img" for number, name in enumerate(names.values(), 1)}
    assert Capture.open(folder, settings=CaptureSettings(names=views)).rig.names == tuple(names.values())


def test_dotted_tables(cases_dir, first_videos, tmp_path, scene):
    names = dict(zip(VIEWS, [f"cam.0{i}" for i in range(4)], strict=True))
    folder = make_capture(tmp_path / "w", first_videos, calibration=cases_dir / "C12c_dotted_tables", names=names)
    assert_same_cameras(Capture.open(folder).rig, scene)


@pytest.mark.parametrize("case", ["C01_freemocap_mm", "C01b_freemocap2"])
def test_freemocap_is_in_millimetres(cases_dir, first_videos, tmp_path, scene, case):
    (path,) = (cases_dir / case).glob("*.toml")
    names = dict(zip(VIEWS, [f"Camera_00{i}_synchronized" for i in range(4)], strict=True))
    capture = Capture.open(make_capture(tmp_path / "walk", first_videos, calibration=path, names=names))
    assert_same_cameras(capture.rig, scene)
    assert capture.unit == "mm"
    assert audit_capture(capture).is_fit


def test_two_files_of_one_rig_are_one(cases_dir, first_videos, tmp_path, scene_calibration):
    folder = make_capture(tmp_path / "walk", first_videos, calibration=cases_dir / "C03b_pyxy3d")
    text = (folder / "config.toml").read_text()
    (folder / "camera_array.toml").write_text(text.replace("[cam_", "[cameras."))
    names = {view: f"port_{number}" for number, view in enumerate(VIEWS)}
    capture = Capture.open(folder, settings=CaptureSettings(names=names))
    assert capture.calibration == folder / "camera_array.toml"
    assert "camera_array.toml and config.toml hold the same cameras: camera_array.toml is used" in messages(
        capture, "note"
    )


def test_files_without_distortion_are_read_with_a_warning(cases_dir, first_videos, tmp_path):
    capture = Capture.open(make_capture(tmp_path / "w", first_videos, calibration=cases_dir / "C10d_no_dist"))
    assert all(camera.distortion.model == "none" for camera in capture.rig.at(0))
    assert "intri.yml: holds no lens distortion" in messages(capture, "warning")


def test_the_word_false_is_false(cases_dir):
    rig = read_calibration(cases_dir / "C33_intrinsics_mixed_fisheye/calibration.toml")
    assert {camera.distortion.model for camera in rig} == {"brown_conrady"}


@pytest.mark.parametrize(
    ("case", "meaning"),
    [("C15a_centre", "its translations are the cameras' centres"), ("C15c_opengl", "as in OpenGL")],
)
def test_other_conventions_are_named_and_not_fit(cases_dir, first_videos, tmp_path, case, meaning):
    path = cases_dir / case / "calibration.toml"
    capture = Capture.open(make_capture(tmp_path / "walk", first_videos, calibration=path))
    assert not audit_capture(capture).is_fit
    assert meaning in messages(capture, "error")


def test_inverse_poses_are_named(first_videos, tmp_path, scene):

    inverse = [replace(c, rotation=c.rotation.T.contiguous(), translation=c.center) for c in scene.at(0)]
    capture = Capture.open(make_capture(tmp_path / "walk", first_videos), calibration=Rig(tuple(inverse)))
    assert "the inverse" in messages(capture, "error")
