"""CMU Panoptic beyond the contract: the real fixture, lost joints and people, and bad copies."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from dataset_kits import panoptic as kit
from poseharvest.datasets.panoptic_studio import COCO19, open_panoptic
from poseharvest.errors import DatasetError, FormatError


@pytest.fixture
def root(tmp_path):
    return kit.pictures(tmp_path).root


def sequence(root):
    return open_panoptic(root).sequence(kit.NAME)


def poses(root, number: int):
    return root / kit.NAME / "hdPose3d_stage1_coco19" / f"body3DScene_{number:08d}.json"


def edit(path, change) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_joints_that_were_not_found_are_unknown_and_others_have_a_confidence(root):
    person = sequence(root).truth().person("3")
    missing = COCO19.index(kit.LOST)
    assert not person.is_known[:, missing].any()
    assert person.confidence[:, missing].eq(0).all()
    others = [i for i in range(len(COCO19)) if i != missing]
    assert person.is_known[:, others].all()
    assert person.confidence[:, others].eq(0.5).all()


def test_frames_without_annotation_are_no_frames_without_people(root):
    poses(root, 140).unlink()
    edit(poses(root, 141), lambda document: document.update(bodies=[]))
    assert sequence(root).truth().only.numbers.tolist() == [139]
    assert sequence(root).footage().numbers.tolist() == [139, 140, 141]


def test_an_annotation_of_a_frame_without_picture_is_left_out(root):
    for camera in kit.CAMERAS:
        (root / kit.NAME / "hdImgs" / camera / f"{camera}_00000141.jpg").unlink()
    assert sequence(root).truth().person("3").frames.tolist() == [0, 1]


def test_a_view_that_lacks_a_picture_has_none_there(root):
    (root / kit.NAME / "hdImgs" / "00_06" / "00_06_00000140.jpg").unlink()
    has_picture = [[image is not None for image in frame.images] for frame in sequence(root).footage().frames()]
    assert has_picture == [[True] * 3, [True, False, True], [True] * 3]


def test_a_film_shorter_than_the_truth_is_out_of_step(tmp_path):
    root = kit.film(tmp_path).root
    kit.write_bodies(root, 9, [])
    with pytest.raises(DatasetError, match=r"hd_00_03\.mp4: out of step .*: expected at least 10 pictures, got 4"):
        open_panoptic(root).sequences[0].footage()


def test_without_pictures_frames_count_from_the_films_first(root):
    shutil.rmtree(root / kit.NAME / "hdImgs")
    one = sequence(root)
    assert one.cameras == kit.CAMERAS
    assert one.footage(pictures=False).num_frames == 142
    assert one.truth().person("3").frames.tolist() == [139, 140, 141]
    with pytest.raises(DatasetError, match=r"hdImgs/00_03: expected numbered pictures"):
        one.footage()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["bodies"][0].pop("joints19"), 'body 3: expected "joints19" .the skeleton coco19., got none'),
        (
            lambda d: d["bodies"][0].update(joints15=d["bodies"][0].pop("joints19")),
            'body 3: expected "joints19" .*, got joints15',
        ),
        (lambda d: d["bodies"][0]["joints19"].pop(), "body 3: joints19: expected 19 x 4 numbers, got shape"),
        (lambda d: d["bodies"][0].update(id="x"), 'expected bodies with a whole "id"'),
        (lambda d: d["bodies"].append(d["bodies"][0]), "expected every id once, got 3 twice"),
        (lambda d: d.pop("bodies"), 'expected a list "bodies", got none'),
    ],
)
def test_another_skeleton_and_damage_are_named(root, change, message):
    edit(poses(root, 140), change)
    with pytest.raises(FormatError, match=rf"body3DScene_00000140\.json: {message}"):
        sequence(root).truth()


def test_cut_json_and_names_without_number_are_named(root):
    poses(root, 140).write_text('{"bodies": [{"id"')
    with pytest.raises(FormatError, match=r"body3DScene_00000140\.json: not valid JSON at line 1"):
        sequence(root).truth()
    poses(root, 140).rename(poses(root, 140).with_name("body3DScene_last.json"))
    with pytest.raises(FormatError, match=r"body3DScene_last\.json: expected a frame number"):
        open_panoptic(root)


@pytest.mark.data
def test_the_real_fixture_is_read(shared_dir):
    one = open_panoptic(shared_dir / "fixtures" / "panoptic").sequence("160906_band2")
    assert len(one.cameras) == 31
    truth = one.truth()
    assert [person.name for person in truth.people] == ["0", "1", "2"]
    person = truth.person("0")
    assert person.numbers.tolist() == [139, 140]
    torch.testing.assert_close(
        person.positions[0, COCO19.index("neck")], torch.tensor([1121.93, -1055.97, -632.943], dtype=torch.float64)
    )
    footage = one.footage(["00_00", "00_05"], pictures=False)
    hip = person.positions[0, COCO19.index("left_hip")] - person.positions[0, COCO19.index("left_knee")]
    assert 300 < float(hip.norm()) < 600
    assert footage.rig.names == ("00_00", "00_05")
    assert bool(footage.rig.camera("00_00").at(139).project(person.positions[0]).valid.all())
