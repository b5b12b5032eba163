"""Data sets of single pictures: one contract for every format, the real fixtures, and errors."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from dataset_kits import pictures
from dataset_kits.scene import MARKED, find_disc
from poseharvest.datasets.coco_pictures import open_coco
from poseharvest.datasets.labelled_pictures import PersonLabels
from poseharvest.datasets.mpii_pictures import open_mpii
from poseharvest.datasets.registry import PICTURES, open_dataset, open_pictures
from poseharvest.errors import CaptureError, ConfigError, DatasetError, FormatError

KITS = {
    "mpii hourglass": pictures.mpii_hourglass,
    "mpii hrnet": pictures.mpii_hrnet,
    "mpii mat": pictures.mpii_mat,
    "coco": pictures.coco,
}


@pytest.fixture(params=KITS)
def files(request, tmp_path):
    return KITS[request.param](tmp_path)


@pytest.fixture
def dataset(files):
    return open_pictures(files.name, files.annotations)


def test_every_data_set_is_tested():
    assert {name.split()[0] for name in KITS} == set(PICTURES)


def test_the_labels_are_those_written(files, dataset):
    assert [picture.name for picture in dataset.pictures] == list(files.people)
    for picture in dataset.pictures:
        assert len(picture.people) == len(files.people[picture.name])
        for person, pixels in zip(picture.people, files.people[picture.name], strict=True):
            np.testing.assert_allclose(person.pixels.numpy(), pixels)
            np.testing.assert_array_equal(person.is_labelled.numpy(), ~np.isnan(pixels).any(-1))


def test_labels_lie_where_the_picture_shows_them(dataset):
    """Counting from 1 or 0, and the order of joints, are right together."""
    for picture in dataset.pictures:
        image = picture.read()
        assert image.shape == (*pictures.SIZE, 3)
        for joint in MARKED:
            pixel = picture.people[0].pixels[dataset.skeleton.index(joint)]
            if joint != pictures.UNLABELLED[dataset.name]:
                np.testing.assert_allclose(find_disc(image, joint), pixel.numpy(), atol=0.4)


def test_hidden_and_unlabelled_joints_are_told_apart(dataset):
    person = dataset.pictures[0].people[0]
    hidden, missing = (dataset.skeleton.index(j) for j in (pictures.HIDDEN, pictures.UNLABELLED[dataset.name]))
    assert person.is_labelled[hidden]
    assert not person.is_visible[hidden]
    assert not person.is_labelled[missing]
    assert int(person.is_visible.sum()) == len(dataset.skeleton) - 2


def test_sizes_of_the_person_are_read(files, dataset):
    person = dataset.pictures[0].people[0]
    torch.testing.assert_close(person.center, torch.tensor([100.0, 60.0], dtype=torch.float64))
    assert person.head_px == pytest.approx(files.head_px, nan_ok=True)
    assert person.height_px == (pytest.approx(100.0) if files.name == "mpii" else pytest.approx(math.nan, nan_ok=True))
    if files.name == "coco":
        assert person.area_px2 == 4000
        assert person.box.tolist() == [50.0, 20.0, 100.0, 80.0]


def test_pictures_are_decoded_when_asked_for_and_damage_is_named(dataset):
    picture = dataset.pictures[1]
    picture.path.write_bytes(picture.path.read_bytes()[:200])
    assert dataset.picture(picture.name) is picture
    with pytest.raises(CaptureError, match=rf"{picture.name}: expected a picture, got a truncated"):
        picture.read()
    picture.path.unlink()
    with pytest.raises(CaptureError, match=rf"{picture.name}: expected a picture, found nothing there"):
        picture.read()
    with pytest.raises(DatasetError, match='expected picture "x", got 2 others'):
        dataset.picture("x")


@pytest.mark.parametrize("name", PICTURES)
def test_missing_and_cut_files_are_named(name, tmp_path):
    with pytest.raises(DatasetError, match=r"none\.json: expected .* annotations.* found none there"):
        open_pictures(name, tmp_path / "none.json")
    path = tmp_path / "cut.json"
    path.write_text('[{"image": "a.jp')
    with pytest.raises(FormatError, match=r"cut\.json: not valid JSON at line 1"):
        open_pictures(name, path)
    path.write_text('"text"')
    with pytest.raises(FormatError, match=r"cut\.json: expected"):
        open_pictures(name, path)
    path.write_text("[]" if name == "mpii" else '{"images": [], "annotations": [], "categories": []}')
    with pytest.raises(DatasetError, match=r"cut\.json: expected pictures of .*, got none"):
        open_pictures(name, path)


def edit(files, change) -> None:
    document = json.loads(files.annotations.read_text())
    change(document)
    files.annotations.write_text(json.dumps(document))


def test_another_skeleton_is_named(tmp_path):
    files = pictures.mpii_hrnet(tmp_path)
    edit(files, lambda records: records[1]["joints"].append([1, 1]))
    with pytest.raises(
        FormatError, match=r"valid\.json: record 1: joints: expected 16 x 2 numbers, got shape \(17, 2\)"
    ):
        open_mpii(files.annotations)
    edit(files, lambda records: records[0].pop("joints"))
    with pytest.raises(
        FormatError, match='record 0: expected a person of MPII with "joint_self" or "joints", got center'
    ):
        open_mpii(files.annotations)
    files = pictures.coco(tmp_path / "coco")
    edit(files, lambda document: document["categories"][0]["keypoints"].reverse())
    with pytest.raises(
        FormatError, match='category "person": expected the keypoints of coco17, got 17 others: right_ankle'
    ):
        open_coco(files.annotations)


def test_words_for_numbers_and_people_of_no_image_are_named(tmp_path):
    files = pictures.mpii_hourglass(tmp_path)
    edit(files, lambda records: records[0].update(scale_provided="big"))
    with pytest.raises(FormatError, match="record 0: scale: expected a number, got 'big'"):
        open_mpii(files.annotations)
    files = pictures.coco(tmp_path / "coco")
    edit(files, lambda document: document["annotations"][2].update(image_id=99))
    with pytest.raises(DatasetError, match="annotation 2: out of step with images: there is no image 99"):
        open_coco(files.annotations)


def test_a_damaged_mat_is_named(tmp_path):
    files = pictures.mpii_mat(tmp_path)
    whole = files.annotations.read_bytes()
    files.annotations.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=r"u12_1\.mat: expected a MATLAB file, got a damaged or different one"):
        open_mpii(files.annotations)


def test_unknown_names_are_refused_and_single_pictures_are_no_recordings(tmp_path):
    with pytest.raises(ConfigError, match='data set of pictures: expected one of mpii, coco, got "shelf"'):
        open_pictures("shelf", tmp_path)
    with pytest.raises(ConfigError, match='got "mpii", which has single pictures: see open_pictures'):
        open_dataset("mpii", tmp_path)


def test_labels_of_the_wrong_shape_are_refused():
    with pytest.raises(Exception, match=r"labels: is_visible: expected shape \(J\) with J=3"):
        PersonLabels(torch.zeros(3, 2), torch.ones(4, dtype=torch.bool), torch.zeros(2))


@pytest.mark.data
def test_real_mpii_is_read(shared_dir):
    folder = shared_dir / "fixtures" / "mpii"
    dataset = open_pictures("mpii", folder / "test_mpii.json")
    assert len(dataset.pictures) == 5
    height, width = dataset.picture("005808361.jpg").read().shape[:2]
    pixels = dataset.picture("005808361.jpg").people[0].pixels
    assert pixels[0].tolist() == [803.0, 710.0]
    assert bool((pixels < torch.tensor([width, height])).all())
    assert not dataset.picture("051423444.jpg").people[0].is_labelled[0]


@pytest.mark.data
def test_real_coco_is_read(shared_dir):
    dataset = open_pictures("coco", shared_dir / "fixtures" / "coco" / "test_coco.json")
    assert [len(picture.people) > 0 for picture in dataset.pictures] == [True] * 4
    for picture in dataset.pictures:
        height, width = picture.read().shape[:2]
        for person in picture.people:
            labelled = person.pixels[person.is_labelled]
            assert bool(((labelled >= 0) & (labelled < torch.tensor([width, height]))).all())
            assert person.area_px2 > 0
