"""Keypoint files as people have them: they say of each picture what the plain files say, or are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from cases_kit import NUM_FRAMES, VIEWS, make_capture
from poseharvest import Capture, load_detector
from poseharvest.capture.frames import pictures_of
from poseharvest.detectors.protocol import FittedDetector, fit_to_footage
from poseharvest.errors import DetectorError
from poseharvest.findings import Finding

pytestmark = pytest.mark.data

LAST_FILE = 18  # the files hold 19 pictures, the footage 20


@pytest.fixture(scope="module")
def capture(first_videos, scene_calibration, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keypoints") / "walk"
    return Capture.open(make_capture(folder, first_videos, calibration=scene_calibration))


@pytest.fixture(scope="module")
def plain(shared_dir, tmp_path_factory, capture):
    """The capture's own files of those pictures, numbered from 0."""
    folder = tmp_path_factory.mktemp("plain")
    for view in VIEWS:
        (folder / f"{view}_json").mkdir()
        for path in sorted((shared_dir / "captures" / "balance" / "openpose" / f"{view}_json").iterdir()):
            if int(path.stem.split(".")[1]) <= LAST_FILE:
                shutil.copyfile(path, folder / f"{view}_json" / path.name)
    return fitted(folder, capture)


def fitted(folder: Path, capture: Capture, **options: object) -> FittedDetector:
    return fit_to_footage(load_detector(folder, **options), pictures_of(capture))


def assert_same_people(found: FittedDetector, expected: FittedDetector, *, num_joints: int, atol: float = 0.01) -> None:
    """Every picture shows the same people; formats differ in rounding, layouts in the joints after the first."""
    for view in VIEWS:
        for picture in range(NUM_FRAMES):
            got, wanted = (one.detector.people(view, picture) for one in (found, expected))
            assert len(got) == len(wanted), (view, picture)
            for one, other in zip(got, wanted, strict=True):
                shared = (one[:num_joints, 2] > 0) & (other[:num_joints, 2] > 0)
                assert torch.allclose(one[:num_joints][shared], other[:num_joints][shared], atol=atol), (view, picture)


def of_numbers(found: FittedDetector) -> list[Finding]:
    """What is said of numbers, not of the layout."""
    return [finding for finding in found.findings if finding.topic == "keypoint files"]


def warnings(found: FittedDetector) -> list[str]:
    return [finding.message for finding in of_numbers(found) if finding.severity == "warning"]


def notes(found: FittedDetector) -> list[str]:
    return [finding.message for finding in of_numbers(found) if finding.severity == "note"]


def test_plain_files_are_taken_without_a_word(plain):
    assert of_numbers(plain) == []
    assert len(plain.detector.people("cam01", LAST_FILE)) > 0
    assert plain.detector.people("cam01", LAST_FILE + 1) == []


def test_pictures_with_drawings_beside_the_files_end_nothing(cases_dir, capture, plain, tmp_path):
    folder = tmp_path / "pose"
    shutil.copytree(cases_dir / "K08_pose_folder_img" / "pose", folder)
    for view in VIEWS:
        (folder / f"{view}_img").mkdir(parents=True)
        (folder / f"{view}_img" / f"{view}_000000.png").write_bytes(b"")
    found = fitted(folder, capture)
    assert of_numbers(found) == []
    assert_same_people(found, plain, num_joints=len(plain.detector.skeleton))


@pytest.mark.parametrize("layout", [None, "body_25b"])
def test_what_systems_and_people_leave_behind_ends_nothing(cases_dir, capture, plain, tmp_path, layout):
    folder = tmp_path / "pose"
    shutil.copytree(cases_dir / "K08d_appledouble" / "pose", folder)
    folder.chmod(0o755)
    for left in (".ipynb_checkpoints", "__MACOSX/pose/cam01_json", "cam05_notes"):
        (folder / left).mkdir(parents=True)
        (folder / left / "cam01_000000.json").write_text("{}")
    (folder / "__about 3.json").write_text('{"camera": 1}')
    (folder / "cam01_json").chmod(0o755)
    (folder / "cam01_json" / "settings_2.json").write_text('{"net_resolution": "1x368"}')
    assert_same_people(fitted(folder, capture, layout=layout), plain, num_joints=len(plain.detector.skeleton))


def test_people_who_are_not_associated_are_nobody(cases_dir, capture, plain):
    found = fitted(cases_dir / "K09_pose_associated" / "pose-associated", capture)
    for view in VIEWS:
        for picture in range(NUM_FRAMES):
            known = plain.detector.people(view, picture)
            people = found.detector.people(view, picture)
            assert len(people) <= len(known)
            assert all(any(torch.equal(one, other) for other in known) for one in people)


def test_a_view_without_anybody_tells_no_layout_but_the_others_do(cases_dir, capture, plain):
    found = fitted(cases_dir / "K14_first_view_empty" / "pose", capture)
    assert found.detector.skeleton == plain.detector.skeleton
    assert found.detector.people("cam01", 3) == []
    assert len(found.detector.people("cam02", 3)) == len(plain.detector.people("cam02", 3))


def test_null_is_a_joint_that_was_not_found(cases_dir, capture, plain):
    found = fitted(cases_dir / "K19_null" / "pose", capture)
    assert_same_people(found, plain, num_joints=len(plain.detector.skeleton))


def test_all_views_numbered_from_440_begin_with_the_first_picture(cases_dir, capture, plain):
    found = fitted(cases_dir / "K11_numbers_440" / "pose", capture)
    assert_same_people(found, plain, num_joints=len(plain.detector.skeleton))
    assert len(notes(found)) == 1
    assert "all views begin with number 440" in notes(found)[0]
    with pytest.raises(DetectorError, match=r"frame_offset 1: expected pictures 0 to 19 .* got 441 to 459"):
        fitted(cases_dir / "K11_numbers_440" / "pose", capture, frame_offset=1)


def test_a_view_that_counts_from_one_is_named_and_can_be_set_right(cases_dir, capture, plain):
    folder = cases_dir / "K12_one_view_one_based" / "pose"
    (warning,) = warnings(fitted(folder, capture))
    assert "cam01 0, cam02 0, cam03 1, cam04 0" in warning
    assert "frame_offset.VIEW=-1" in warning
    right = fitted(folder, capture, frame_offset={"cam03": -1})
    assert of_numbers(right) == []
    assert_same_people(right, plain, num_joints=len(plain.detector.skeleton))


@pytest.mark.parametrize(
    "case", ["K20b_alphapose_folders", "K22_coco_camera_last", "K23_coco_roboflow", "K24_coco_one_file", "K26_mmpose"]
)
def test_files_of_one_list_a_view_or_of_all_views_say_the_same(cases_dir, capture, plain, case):
    found = fitted(cases_dir / case / "kp", capture)
    assert warnings(found) == []
    assert found.detector.skeleton.name == "coco17"
    left_knee = plain.detector.skeleton.index("left_knee")
    for view in VIEWS:
        for picture in range(NUM_FRAMES):
            got = [row.tolist() for one in found.detector.people(view, picture) for row in one[:, :2]]
            for person in plain.detector.people(view, picture):
                knee = person[left_knee]
                assert knee[2] == 0 or any(abs(x - knee[0]) + abs(y - knee[1]) < 0.2 for x, y in got), (view, picture)


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("K37_sleap", r"people with 17 keypoints: cannot tell the layout.*: too little is seen of everybody"),
        ("K38_freemocap_npy", r"1 .npy \(arrays such as FreeMoCap's, which are not read\)"),
    ],
)
def test_files_of_other_tools_are_named(cases_dir, capture, case, message):
    with pytest.raises(DetectorError, match=message):
        fitted(cases_dir / case / "kp", capture)


def test_deeplabcut_s_tables_say_the_same(cases_dir, capture, plain):
    """They hold one person a picture, whose joints have names of their own spelling."""
    found = fitted(cases_dir / "K27_dlc" / "kp", capture)
    assert warnings(found) == []
    skeleton, other = found.detector.skeleton, plain.detector.skeleton
    assert skeleton.name == "coco17"
    compared = 0
    for view in VIEWS:
        for picture in range(NUM_FRAMES - 1):
            (person,) = found.detector.people(view, picture)
            everybody = plain.detector.people(view, picture)
            for joint in ("left_knee", "right_wrist", "nose"):
                x, y, score = person[skeleton.index(joint)].tolist()
                nearest = min(
                    (abs(one[other.index(joint)][:2] - person[skeleton.index(joint)][:2]).sum() for one in everybody),
                    default=0.0,
                )
                assert score == 0 or nearest < 0.2, (view, picture, joint, x, y)
                compared += score > 0
    assert compared > 150


def test_numbers_are_pictures_of_their_own_view(cases_dir, first_videos, scene_calibration, plain, tmp_path):
    """cam03 was filmed 6 frames later: its picture 0 is the capture's frame 6, and so is its file 0."""
    folder = make_capture(tmp_path / "walk", first_videos, calibration=scene_calibration)
    shutil.copyfile(cases_dir / "K30_offset_keypoints" / "capture.toml", folder / "capture.toml")
    shifted = Capture.open(folder)
    frame = next(iter(shifted.frames(6, 7)))
    assert frame.numbers == (6, 6, 0, 6)
    found = fitted(cases_dir / "K30_offset_keypoints" / "kp", shifted)
    for view, picture, plain_number in (("cam01", 6, 5), ("cam03", 0, 5), ("cam03", 13, 18)):
        got, wanted = found.detector.people(view, picture), plain.detector.people(view, plain_number)
        assert all(torch.equal(one, other) for one, other in zip(got, wanted, strict=True))
        assert got


def test_files_of_twice_the_rate_are_refused_by_name(shared_dir, capture, tmp_path):
    for view in VIEWS:
        source = shared_dir / "captures" / "balance" / "openpose" / f"{view}_json"
        (tmp_path / view).mkdir()
        for number in range(2 * NUM_FRAMES if view == "cam02" else NUM_FRAMES):
            shutil.copyfile(source / f"{view}.{number:04d}.json", tmp_path / view / f"{view}_{number:06d}.json")
    with pytest.raises(
        DetectorError, match=r"cam02 0 to 39 \(40\) beside pictures 0 to 19.*cam02 detected in footage of 2"
    ):
        fitted(tmp_path, capture)


def test_ids_of_a_whole_data_set_are_handled(cases_dir, capture, plain, tmp_path):
    alphapose = fitted(cases_dir / "K20b_alphapose_folders" / "kp", capture)
    for number, view in enumerate(VIEWS):
        records = json.loads(
            (cases_dir / "K20b_alphapose_folders" / "kp" / view / "alphapose-results.json").read_text()
        )
        for record in records:
            record["image_id"] = 10_010_000_000 + 10_000_000 * number + int(record["image_id"].split(".")[0])
        (tmp_path / f"{view}.json").write_text(json.dumps(records))
    found = fitted(tmp_path, capture)
    assert "ids of a data set" in notes(found)[0]
    assert_same_people(found, alphapose, num_joints=17)
