"""Complete captures: synchronisation, checked by the content of the pictures, and all errors of a folder."""

from __future__ import annotations

import pickle
import threading
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from poseharvest.capture import Capture, CaptureSettings, FrameSource, Offset
from poseharvest.capture.frames import frames_showing
from poseharvest.errors import CalibrationError, CaptureError, ConfigError
from poseharvest.findings import Finding
from poseharvest.geometry.camera import AffineCamera, Camera, MovingCamera
from poseharvest.geometry.rig import Rig

NAMES = ("cam1", "cam2", "cam3")


def camera(name, size=(96, 160), number=0):
    """A camera 3 m from the world's origin, looking at it, turned about the vertical."""
    angle = torch.tensor(0.7 * number, dtype=torch.float64)
    c, s = torch.cos(angle), torch.sin(angle)
    rotation = torch.stack((c, c * 0, s, s * 0, c * 0 + 1, c * 0, -s, c * 0, c)).reshape(3, 3)
    height, width = size
    matrix = torch.tensor([[200.0, 0, width / 2], [0, 200.0, height / 2], [0, 0, 1]], dtype=torch.float64)
    return Camera(name, size, matrix, rotation, torch.tensor([0.0, 0.0, 3000.0], dtype=torch.float64))


def rig(names=NAMES, size=(96, 160)):
    return Rig(tuple(camera(name, size, number) for number, name in enumerate(names)))


def toml(path, names=NAMES, size=(96, 160)):
    """Write the rig as Pose2Sim does: width before height, metres, rotation vectors about the vertical."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sections = [
        f'[int_{name}_img]\nname = "int_{name}_img"\nsize = [{size[1]}, {size[0]}]\n'
        f"matrix = [[200.0, 0.0, {size[1] / 2}], [0.0, 200.0, {size[0] / 2}], [0.0, 0.0, 1.0]]\n"
        f"distortions = [0.0, 0.0, 0.0, 0.0]\nrotation = [0.0, {0.7 * number}, 0.0]\n"
        "translation = [0.0, 0.0, 3.0]\nfisheye = false\n"
        for number, name in enumerate(names)
    ]
    path.write_text("\n".join(sections), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path, film):
    """Three views of one event at 30 Hz; the second began 5 frames later on the same clock."""
    film.write(tmp_path / "videos/cam1.mp4", range(40))
    late_s = [(5 + position) / 30 for position in range(30)]
    film.write(tmp_path / "videos/cam2.mkv", range(5, 35), times_s=late_s)
    film.write(tmp_path / "videos/cam3.avi", range(40), codec="mjpeg")
    return tmp_path


def shown(film, capture, start=0, stop=None):
    return [tuple(film.number(image) for image in frame.images) for frame in capture.frames(start, stop)]


def test_pictures_of_one_frame_show_one_moment(folder, film):
    capture = Capture.open(folder, calibration=rig())
    assert capture.frame_rate == pytest.approx(30, rel=1e-3)
    assert capture.num_frames == 40
    assert capture.duration_s == pytest.approx(40 / 30, rel=1e-3)
    numbers = shown(film, capture)
    assert [in_frame[0] for in_frame in numbers] == list(range(40))
    assert [in_frame[2] for in_frame in numbers] == list(range(40))
    assert [in_frame[1] for in_frame in numbers] == [None] * 5 + list(range(5, 35)) + [None] * 5
    assert any('"cam2" has no picture in 10 of 40 frames, first at 0.000 s' in line for line in capture.warnings)


def test_it_is_a_frame_source(folder):
    capture: FrameSource = Capture.open(folder, calibration=rig())
    assert capture.name == folder.name
    assert capture.rig.names == NAMES
    frames = list(capture.frames(7, 10))
    assert [frame.index for frame in frames] == [7, 8, 9]
    assert [frame.time_s for frame in frames] == pytest.approx([7 / 30, 8 / 30, 9 / 30])
    assert frames[0].images[0].dtype == np.uint8
    assert frames[0].images[0].shape == (96, 160, 3)


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1), (3, 20), (12, None), (39, 40), (38, 100), (40, None), (5, 5), (9, 4)]
)
def test_any_stretch_equals_that_part_of_the_whole(folder, film, start, stop):
    capture = Capture.open(folder, calibration=rig())
    assert shown(film, capture, start, stop) == shown(film, capture)[start:stop]


@pytest.mark.parametrize("pictures", [(), (0, 9, 33), range(40)])
@pytest.mark.parametrize(("start", "stop"), [(0, None), (5, 34)])
def test_pictures_that_nobody_wants_are_left_out(folder, film, pictures, start, stop):
    capture = Capture.open(folder, calibration=rig())
    every = list(capture.frames(start, stop))
    few = list(frames_showing(capture, pictures, start, stop))
    assert len(few) == len(every) > 0
    for one, whole in zip(few, every, strict=True):
        assert (one.index, one.time_s, one.numbers) == (whole.index, whole.time_s, whole.numbers)
        for image, expected in zip(one.images, whole.images, strict=True):
            assert film.number(image) == (film.number(expected) if one.index in pictures else None)


def test_a_source_that_leaves_nothing_out_gives_all_its_pictures(folder):
    class EveryPicture:
        def frames(self, start=0, stop=None):
            return Capture.open(folder, calibration=rig()).frames(start, stop)

    assert all(frame.images[0] is not None for frame in frames_showing(EveryPicture(), (), 3, 5))


def test_a_negative_frame_is_an_error(folder):
    capture = Capture.open(folder, calibration=rig())
    for start, stop in ((-1, 3), (0, -1)):
        with pytest.raises(CaptureError, match=r"expected frames from 0 to 40, got"):
            capture.frames(start, stop)


def test_the_clock_begins_when_two_views_run(tmp_path, film):
    film.write(tmp_path / "videos/a.mkv", range(10, 40), times_s=[number / 30 for number in range(10, 40)])
    film.write(tmp_path / "videos/b.mkv", range(4, 30), times_s=[number / 30 for number in range(4, 30)])
    film.write(tmp_path / "videos/c.mp4", range(12))
    capture = Capture.open(tmp_path, calibration=rig(("a", "b", "c")))
    numbers = shown(film, capture)
    assert numbers[0] == (None, 4, 4)
    assert numbers[-1] == (29, 29, None)
    assert all(len({number for number in in_frame if number is not None}) == 1 for in_frame in numbers)


@pytest.mark.parametrize("offset", ["5 frames", 5 / 30, Offset(5, "frames")])
def test_offsets_shift_a_view(tmp_path, film, offset):
    film.write(tmp_path / "videos/a.mp4", range(30))
    film.write(tmp_path / "videos/b.mp4", range(5, 30))  # its own clock began 5 frames late
    numbers = shown(film, Capture.open(tmp_path, calibration=rig(("a", "b")), offsets={"b": offset}))
    assert numbers == [(number, number) for number in range(5, 30)]


def test_first_pictures_may_be_taken_as_simultaneous(tmp_path, film):
    film.write(tmp_path / "videos/a.mp4", range(20))
    film.write(tmp_path / "videos/b.mkv", range(20), times_s=[100 + number / 30 for number in range(20)])
    with pytest.raises(CaptureError, match=r"expected a moment at which two views are running, .* time_zero"):
        Capture.open(tmp_path, calibration=rig(("a", "b")))
    (tmp_path / "capture.toml").write_text('time_zero = "first_picture"')
    assert shown(film, Capture.open(tmp_path, calibration=rig(("a", "b")))) == [(n, n) for n in range(20)]


def test_unequal_rates_run_at_the_slowest_unless_told(tmp_path, film):
    film.write(tmp_path / "videos/a.mp4", range(60), rate=60)
    film.write(tmp_path / "videos/b.mp4", range(0, 60, 2), rate=30)
    capture = Capture.open(tmp_path, calibration=rig(("a", "b")))
    assert capture.frame_rate == 30
    assert shown(film, capture) == [(n, n) for n in range(0, 60, 2)]
    assert "the views have different frame rates (a 60.00, b 30.00): the capture runs at 30.00" in capture.warnings
    (tmp_path / "capture.toml").write_text("frame_rate = 60")
    assert shown(film, Capture.open(tmp_path, calibration=rig(("a", "b"))))[:4] == [
        (0, 0),
        (1, None),
        (2, 2),
        (3, None),
    ]
    (tmp_path / "capture.toml").write_text('reference = "a"')
    assert Capture.open(tmp_path, calibration=rig(("a", "b"))).frame_rate == 60


def test_variable_rate_is_matched_by_time(tmp_path, film):
    present = [number for number in range(60) if number % 7 != 3]
    film.write(tmp_path / "videos/a.mp4", range(60), rate=50)
    film.write(tmp_path / "videos/b.mkv", present, times_s=[number / 50 + 0.002 for number in present])
    numbers = shown(film, Capture.open(tmp_path, calibration=rig(("a", "b"))))
    assert numbers == [(number, None if number % 7 == 3 else number) for number in range(59)]  # then a alone runs


def test_cameras_that_run_beside_each_other_are_reported(tmp_path, film):
    film.write(tmp_path / "videos/a.mp4", range(30), rate=50)
    film.write(tmp_path / "videos/b.mkv", range(30), times_s=[number / 50 + 0.009 for number in range(30)])
    capture = Capture.open(tmp_path, calibration=rig(("a", "b")))
    assert any('view "b": its pictures lie 9.0 ms beside the frames' in line for line in capture.warnings)


def test_one_picture_a_view_has_no_rate_to_warn_about(tmp_path, film):
    for view in ("a", "b"):
        film.write_images(tmp_path / "images" / view, [0])
    capture = Capture.open(tmp_path, calibration=rig(("a", "b")))
    assert capture.num_frames == 1
    assert not any("frame rate" in line for line in capture.warnings)


def test_image_folders_with_gaps(tmp_path, film):
    film.write_images(tmp_path / "images/a", range(20))
    film.write_images(tmp_path / "images/b", [n for n in range(20) if n not in (4, 5, 11)], name="b_{:06d}.jpg")
    capture = Capture.open(tmp_path, calibration=rig(("a", "b")))
    assert shown(film, capture) == [(n, None if n in (4, 5, 11) else n) for n in range(20)]
    assert capture.frame_rate == 30
    assert any(line.startswith("image folders tell no frame rate: 30 frames") for line in capture.warnings)
    (tmp_path / "capture.toml").write_text("image_rate = 50")
    capture = Capture.open(tmp_path, calibration=rig(("a", "b")))
    assert capture.frame_rate == 50
    assert not any("frame rate" in line for line in capture.warnings)


def test_a_turned_view_fits_a_camera_calibrated_upright(tmp_path, film):
    film.write(tmp_path / "videos/a.mp4", range(5), rotation_deg=90)
    film.write(tmp_path / "videos/b.mp4", range(5), rotation_deg=90)
    capture = Capture.open(tmp_path, calibration=rig(("a", "b"), size=(160, 96)))
    assert next(capture.frames()).images[0].shape == (160, 96, 3)
    with pytest.raises(CalibrationError, match=r"calibrated 160 x 96 .* got 96 x 160: is the footage turned by 90"):
        Capture.open(tmp_path, calibration=rig(("a", "b"), size=(96, 160)))


def test_the_calibration_is_found_in_the_folder_and_matched_by_name(folder, film):
    path = toml(folder / "calibration/scene.toml", NAMES[::-1])
    capture = Capture.open(folder)
    assert capture.calibration == path
    assert capture.rig.names == NAMES
    expected = [camera(name, number=number) for number, name in enumerate(NAMES[::-1])][::-1]
    for got, wanted in zip(capture.rig, expected, strict=True):
        torch.testing.assert_close(got.center, wanted.center, atol=1e-6, rtol=0)


def test_capture_toml_names_the_calibration(folder):
    toml(folder / "calibration/one.toml")
    toml(folder / "calibration/two.toml", ("cam3", "cam2", "cam1"))
    with pytest.raises(CalibrationError, match=r"expected one calibration, found 2: .*one.toml, .*two.toml"):
        Capture.open(folder)
    (folder / "capture.toml").write_text('calibration = "calibration/two.toml"')
    assert Capture.open(folder).calibration == folder / "calibration/two.toml"
    assert Capture.open(folder, calibration=folder / "calibration/one.toml").calibration.name == "one.toml"


def test_names_may_be_given(folder):
    toml(folder / "scene.toml", ("left", "middle", "right"))
    with pytest.raises(CalibrationError, match=r"no footage for calibrated .*int_left_img.* no calibrated camera for"):
        Capture.open(folder)
    names = {"cam1": "int_right_img", "cam2": "int_left_img", "cam3": "int_middle_img"}
    capture = Capture.open(folder, settings=CaptureSettings(names=names))
    torch.testing.assert_close(capture.rig.camera("cam1").center, camera("", number=2).center, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"cam9": "int_cam1_img"}, "names: expected views of cam1, cam2, cam3, got cam9"),
        ({"cam1": "int_cam9_img"}, "names: expected cameras of int_cam1_img, .* got int_cam9_img"),
        ({"cam1": "int_cam1_img", "cam2": "int_cam1_img"}, "names: expected another camera for every view"),
    ],
)
def test_wrong_names_are_named(folder, names, message):
    toml(folder / "scene.toml")
    with pytest.raises(CalibrationError, match=message):
        Capture.open(folder, settings=CaptureSettings(names=names))


def test_views_and_cameras_must_be_the_same_unless_chosen(folder):
    more = Capture.open(folder, calibration=rig((*NAMES, "cam4")))
    assert Finding("note", "calibration", "calibrated cameras without footage are left out: cam4") in more.findings
    with pytest.raises(
        CalibrationError, match=r"no calibrated camera for footage \"cam3\"; calibrated are .*footage is"
    ):
        Capture.open(folder, calibration=rig(("cam1", "cam2")))
    with pytest.raises(
        CalibrationError, match=r"no calibrated camera for footage \"cam3\"; calibrated are \"cam1\", \"cam2\""
    ):
        Capture.open(folder, calibration=rig(("cam1", "cam2")), views=["cam2", "cam3"])
    capture = Capture.open(folder, calibration=rig((*NAMES, "cam4")), views=["cam3", "cam1"])
    assert capture.rig.names == ("cam1", "cam3")


def test_views_that_are_not_there_are_an_error(folder):
    with pytest.raises(CaptureError, match=r"expected views with footage \(cam1, cam2, cam3\), got without: cam7"):
        Capture.open(folder, calibration=rig(), views=["cam1", "cam7"])
    with pytest.raises(CaptureError, match=r"offsets: expected views of cam1, cam2, cam3, got cam7"):
        Capture.open(folder, calibration=rig(), offsets={"cam7": 1})
    with pytest.raises(CaptureError, match=r"reference: expected a view of cam1, cam2, cam3, got \"cam7\""):
        Capture.open(folder, calibration=rig(), settings=CaptureSettings(reference="cam7"))


def test_fewer_than_two_views_are_an_error(folder):
    with pytest.raises(CaptureError, match=r"expected at least two views, got 1 \(cam1\)"):
        Capture.open(folder, calibration=rig(), views=["cam1"])


def test_no_calibration_is_an_error_before_any_video_is_read(folder):
    (folder / "videos/cam1.mp4").write_bytes(b"")
    with pytest.raises(CalibrationError, match="expected a calibration, found none"):
        Capture.open(folder)


def test_another_image_size_is_an_error_and_a_little_other_is_a_warning(folder):
    with pytest.raises(CalibrationError, match=r"calibrated 320 x 192 \(width x height\), got 160 x 96"):
        Capture.open(folder, calibration=rig(size=(192, 320)))
    capture = Capture.open(folder, calibration=rig(size=(96, 161)))
    assert sum("calibrated at 161 x 96, footage is 160 x 96" in line for line in capture.warnings) == 3
    assert {one.image_size for one in capture.rig} == {(96, 160)}


def test_metres_taken_for_millimetres_are_reported(folder):
    toml(folder / "scene.toml")
    findings = Capture.open(folder, unit="mm").findings
    assert any(one.severity == "error" and "metres given as millimetres" in one.message for one in findings)
    assert not any(one.severity == "error" for one in Capture.open(folder, unit="m").findings)


def test_every_kind_of_camera_takes_the_name_and_size_of_the_footage(folder):
    affine = AffineCamera("x1", (96, 161), torch.eye(2, 4))
    moving = MovingCamera("x2", (camera("m", (96, 161)), camera("m", (96, 161), 1)))
    capture = Capture.open(
        folder, calibration=Rig((affine, moving, camera("x3", number=2))),
        settings=CaptureSettings(names={"cam1": "x1", "cam2": "x2", "cam3": "x3"}),
    )  # fmt: skip
    assert [type(one).__name__ for one in capture.rig] == ["AffineCamera", "MovingCamera", "Camera"]
    assert [(one.name, one.image_size) for one in capture.rig] == [(name, (96, 160)) for name in NAMES]


@dataclass(frozen=True)
class Telescope:
    """An unknown kind of camera."""

    name: str
    image_size: tuple[int, int] = (96, 160)

    def at(self, frame):
        return self


def test_an_unknown_kind_of_camera_is_an_error(folder):
    with pytest.raises(CalibrationError, match='camera "cam1": expected a known kind of camera, got Telescope'):
        Capture.open(folder, calibration=Rig(tuple(map(Telescope, NAMES))))


def test_damage_is_an_error_unless_views_may_drop_out(folder, film):
    film.cut_at_picture(film.write(folder / "videos/cam1.mp4", range(40), options={"movflags": "faststart"}), 25)
    with pytest.raises(CaptureError, match=r"cam1.mp4: .* with on_damage"):
        Capture.open(folder, calibration=rig())
    (folder / "capture.toml").write_text('on_damage = "drop"')
    capture = Capture.open(folder, calibration=rig())
    assert any("cam1.mp4: " in line for line in capture.warnings)
    numbers = shown(film, capture)
    assert numbers[20] == (20, 20, 20)
    assert numbers[30:] == [(None, number, number) for number in range(30, 35)]  # then cam3 alone runs


def test_an_error_while_streaming_ends_the_threads(folder, film):
    images = film.write_images(folder / "images/cam1", range(20))
    film.write_images(folder / "images/cam2", range(20))
    film.cut(images / "frame_0015.png", 0.5)
    capture = Capture.open(folder, calibration=rig(("cam1", "cam2")), settings=CaptureSettings(footage=Path("images")))
    indices = []
    with pytest.raises(CaptureError, match=r"frame_0015.png: the picture is truncated"):
        indices.extend(frame.index for frame in capture.frames())
    assert indices == list(range(15))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("poseharvest-decode")]


def test_arguments_go_before_capture_toml(folder):
    (folder / "capture.toml").write_text('views = ["cam1", "cam2"]\n[offsets]\ncam1 = 1')
    capture = Capture.open(folder, calibration=rig(), views=["cam1", "cam3"], offsets={"cam3": "2 frames"})
    assert capture.rig.names == ("cam1", "cam3")
    assert capture.settings.offsets == {"cam3": Offset(2, "frames")}
    with pytest.raises(ConfigError, match=r"capture options: \"offsets.cam1\": expected seconds"):
        Capture.open(folder, calibration=rig(), offsets={"cam1": "late"})


def peak_bytes(capture):
    tracemalloc.start()
    for _ in capture.frames():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_length(tmp_path, film):
    """Memory of pictures in Python; the memory of a decoder does not depend on the length either."""
    for name in ("a", "b"):
        film.write_images(tmp_path / "images" / name, range(400), name="{:04d}.jpg")
    picture_bytes = 96 * 160 * 3
    held = 2 * (8 + 2) * picture_bytes  # eight ahead, two in hand, of two views
    # twice that leaves room for files and OpenCV's own pictures while they are read
    assert peak_bytes(Capture.open(tmp_path, calibration=rig(("a", "b")))) < 2 * held < 0.06 * 2 * 400 * picture_bytes


def test_a_copy_in_another_process_looks_at_its_own_files(folder):
    """So it finds out if they are others there."""
    capture = Capture.open(folder, calibration=rig())
    before = capture.fingerprints
    copy = pickle.loads(pickle.dumps(capture))
    assert copy.fingerprints == before
    (folder / "videos/cam1.mp4").write_bytes(b"something else")
    assert pickle.loads(pickle.dumps(capture)).fingerprints["cam1"] != before["cam1"]
