from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from poseharvest.calibration.image_size import check_image_size, with_image_size
from poseharvest.calibration.rig_audit import audit_rig, check_scale_of_limbs, check_scale_of_person
from poseharvest.findings import Finding
from poseharvest.geometry.camera import AffineCamera, MovingCamera
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig


def _scaled(rig: Rig, factor: float) -> Rig:
    return Rig(tuple(replace(camera, translation=camera.translation * factor) for camera in rig))


def _messages(rig: Rig) -> list[str]:
    return [finding.message for finding in audit_rig(rig)]


def _with_k(camera, row: int, column: int, value: float):
    k = camera.px_from_cam.clone()
    k[row, column] = value
    return replace(camera, px_from_cam=k)


def test_a_good_rig_has_no_findings(rig, fisheye_rig):
    assert audit_rig(rig) == []
    assert audit_rig(fisheye_rig) == []


@pytest.mark.parametrize(
    ("factor", "advice"),
    [(1e-3, "are metres given as millimetres? try unit=m"), (1e3, "are millimetres given as metres? try unit=mm")],
)
def test_a_wrong_unit_is_an_error_that_says_which(rig, factor, advice):
    (finding,) = audit_rig(_scaled(rig, factor))
    assert finding.severity == "error"
    assert advice in finding.message
    assert "the median distance between cameras is" in finding.message


def test_one_camera_is_too_few(rig):
    assert audit_rig(rig.subset(["cam01"])) == [
        Finding("error", "calibration", "rig: expected at least two cameras, got 1")
    ]


def test_two_cameras_in_one_place(rig, make_camera):
    twin = replace(rig.cameras[0], name="twin")
    assert 'rig: cameras "cam00" and "twin" stand in the same place' in _messages(Rig((*rig.cameras, twin)))


def test_cameras_that_look_away(rig):
    """The common mistake: the world-from-camera pose instead of its inverse."""
    swapped = Rig(
        tuple(
            replace(camera, rotation=camera.rotation.T.contiguous(), translation=camera.center.contiguous())
            for camera in rig
        )
    )
    (finding,) = audit_rig(swapped)
    assert finding.severity == "error"
    assert (
        "they would look at one place if, in the file, its poses are those of the cameras in the world, the inverse"
        in (finding.message)
    )
    turned = rig.cameras[0].rotation * torch.tensor([[-1.0], [1.0], [-1.0]])
    away = replace(rig.cameras[0], rotation=turned, translation=-turned @ rig.cameras[0].center)
    (message,) = _messages(Rig((away, *rig.cameras[1:])))
    assert "do not look at one place" in message
    assert "but behind cam00: is a rotation inverted, or a translation a camera's centre?" in message


def test_a_camera_that_looks_past_the_others(rig, make_camera):
    stray = make_camera("stray", 2.6)
    angle = torch.tensor(0.9)
    turn = torch.tensor([[angle.cos(), 0, angle.sin()], [0, 1, 0], [-angle.sin(), 0, angle.cos()]]).double()
    rotation = turn @ stray.rotation
    stray = replace(stray, rotation=rotation, translation=-rotation @ stray.center)
    (message,) = _messages(Rig((*rig.cameras, stray)))
    assert message == "rig: stray look past the place that the other cameras look at"


def test_parallel_cameras(rig):
    first = rig.cameras[0]
    second = replace(first, name="b", translation=first.translation + torch.tensor([800.0, 0.0, 0.0]))
    assert _messages(Rig((first, second))) == ["rig: all cameras look in one direction: depth will be uncertain"]


def test_a_principal_point_outside_is_an_error(rig):
    broken = _with_k(rig.cameras[0], 0, 2, 1400.0)
    (finding,) = audit_rig(Rig((broken, *rig.cameras[1:])))
    assert finding.severity == "error"
    assert "within the picture of 1280 x 720 (width x height), got (1400.0, 351.5)" in finding.message


def test_odd_intrinsics_are_warnings(rig):
    off = _with_k(rig.cameras[0], 0, 2, 1200.0)
    long = _with_k(_with_k(rig.cameras[1], 0, 0, 30000.0), 1, 1, 30000.0)
    squeezed = _with_k(rig.cameras[2], 1, 1, 700.0)
    findings = audit_rig(Rig((off, long, squeezed)))
    assert {finding.severity for finding in findings} == {"warning"}
    text = "\n".join(finding.message for finding in findings)
    assert 'camera "cam00": the principal point (1200.0, 351.5) is far from the middle of 1280 x 720' in text
    assert 'camera "cam01": expected a field of view of 5 to 150 degrees, got 2.4' in text
    assert 'camera "cam02": focal lengths differ: 1100.5 and 700.0 px' in text


def test_a_lens_that_folds_inside_the_picture(rig):
    folded = replace(rig.cameras[0], distortion=Distortion("brown_conrady", (-1.2, 0.0, 0.0, 0.0)))
    (finding,) = audit_rig(Rig((folded, *rig.cameras[1:])))
    assert finding.severity == "warning"
    assert "cam00" in finding.message
    assert "folds back inside the picture" in finding.message


def test_moving_and_affine_cameras_are_audited_where_that_means_something(rig):
    affine = AffineCamera("far", (480, 640), torch.eye(2, 4, dtype=torch.float64))
    far = _scaled(rig, 1e3).cameras
    moving = MovingCamera("pan", (rig.cameras[0], replace(far[0], name="pan")))
    assert audit_rig(Rig((affine, moving, rig.cameras[1])), frame=0) == []
    assert audit_rig(Rig((affine, moving, rig.cameras[1])), frame=1) != []


@pytest.mark.parametrize("height", [800.0, 1700.0, 2300.0])
def test_people_pass(height):
    assert check_scale_of_person(height) is None


@pytest.mark.parametrize(
    ("height", "unit"), [(1.7, "m"), (17.0, "m"), (170.0, "cm"), (17e3, "mm"), (170e3, "cm"), (1.7e6, "mm")]
)
def test_people_of_other_sizes_are_errors_with_advice(height, unit):
    finding = check_scale_of_person(height)
    assert finding is not None
    assert finding.severity == "error"
    assert "is the calibration in metres, centimetres or millimetres?" in finding.message
    assert finding.message.endswith(f"got a person of {height:.3g} mm; try unit={unit}")


def test_no_advice_where_no_unit_helps():
    finding = check_scale_of_person(2900.0)
    assert finding is not None
    assert finding.message.endswith("got a person of 2.9e+03 mm")
    assert check_scale_of_person(float("nan")) is not None
    assert check_scale_of_person(0.0) is not None


def test_limbs():
    lengths = {"thigh": 430.0, "shank": 400.0, "forearm": 260.0}
    assert check_scale_of_limbs(lengths) is None
    assert check_scale_of_limbs({}) is None
    finding = check_scale_of_limbs({name: length / 1000 for name, length in lengths.items()})
    assert finding is not None
    assert finding.message.endswith("got a median of 0.4 mm; try unit=m")


def test_footage_of_the_calibrated_size(rig):
    assert check_image_size(rig.cameras[0], (720, 1280)) is None


def test_footage_that_is_eight_pixels_short_is_a_warning(make_camera):
    camera = replace(make_camera("int_cam01_img", 0.3), image_size=(1920, 1088))
    finding = check_image_size(camera, (1920, 1080))
    assert finding is not None
    assert finding.severity == "warning"
    assert (
        'camera "int_cam01_img": calibrated at 1088 x 1920, footage is 1080 x 1920 (width x height)' in finding.message
    )


def test_a_new_size_moves_no_pixel(rig):
    point = torch.tensor([[100.0, 50.0, 900.0]], dtype=torch.float64)
    moving = MovingCamera("pan", (rig.cameras[0], rig.cameras[1]))
    affine = AffineCamera("far", (480, 640), torch.eye(2, 4, dtype=torch.float64))
    for camera in (rig.cameras[0], moving, affine):
        changed = with_image_size(camera, (712, 1288))
        assert changed.image_size == (712, 1288)
        assert_close(changed.at(0).project(point).pixels, camera.at(0).project(point).pixels)
