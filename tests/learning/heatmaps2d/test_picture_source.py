import cv2
import numpy as np
import pytest
import torch

from poseharvest.datasets.labelled_pictures import AnnotatedPicture, PersonLabels, PictureDataset
from poseharvest.errors import TrainingError
from poseharvest.learning.heatmaps2d.picture_source import PictureSource, person_window
from poseharvest.skeleton.definitions import COCO17, MPII16
from poseharvest.skeleton.skeleton import Skeleton

NAN = float("nan")


def labels(num_joints, *, known=None, **more):
    pixels = torch.arange(2.0 * num_joints, dtype=torch.float64).reshape(num_joints, 2)
    is_known = torch.ones(num_joints, dtype=torch.bool)
    if known is not None:
        is_known = torch.zeros(num_joints, dtype=torch.bool)
        is_known[list(known)] = True
    center = more.pop("center", torch.tensor([30.0, 20.0]))
    return PersonLabels(torch.where(is_known[:, None], pixels, NAN), is_known, center, **more)


@pytest.fixture
def dataset(tmp_path):
    def make(skeleton, *people):
        path = tmp_path / "a.png"
        cv2.imwrite(str(path), np.full((50, 70, 3), (10, 20, 30), np.uint8))
        return PictureDataset("mine", tmp_path / "a.json", skeleton, (AnnotatedPicture("a", path, people),))

    return make


def test_a_person_is_a_sample(dataset):
    source = PictureSource.of(dataset(MPII16, labels(16, height_px=40.0, head_px=6.0)), MPII16)
    sample = source.sample(0)
    assert len(source) == 1
    assert sample.picture.shape == (3, 50, 70)
    assert sample.picture[:, 0, 0].tolist() == [30, 20, 10]
    assert sample.head_px == 6.0
    assert sample.window.center == (30.0, 20.0)
    assert sample.window.side == 50.0
    assert sample.joints[3].tolist() == [6.0, 7.0]


def test_joints_are_matched_by_name_and_the_others_are_ignored(dataset):
    sample = PictureSource.of(dataset(COCO17, labels(17, height_px=40.0)), MPII16).sample(0)
    wrist = COCO17.index("left_wrist")
    assert sample.joints[MPII16.index("left_wrist")].tolist() == [2.0 * wrist, 2.0 * wrist + 1]
    ignored = {joint for joint, weight in zip(MPII16.joints, sample.weight, strict=True) if not weight}
    assert ignored == {"pelvis", "thorax", "upper_neck", "head_top"}


def test_people_with_too_few_joints_are_left_out_and_nobody_is_named(dataset):
    some = dataset(MPII16, labels(16, known=range(3)), labels(16, known=range(5), height_px=9.0))
    assert len(PictureSource.of(some, MPII16)) == 1
    with pytest.raises(TrainingError, match=r"a\.json: expected people with 9 labelled joints, got none"):
        PictureSource.of(some, MPII16, min_joints=9)
    with pytest.raises(TrainingError, match='"mpii16" has no joint of "other"'):
        PictureSource.of(some, Skeleton("other", ("tail",), ()))


def test_the_window_comes_from_what_is_known():
    nowhere = torch.tensor([NAN, NAN])
    assert person_window(labels(16, height_px=40.0)).side == 50.0
    assert person_window(labels(16, box=torch.tensor([0.0, 0.0, 20.0, 60.0]))).side == 75.0
    around = person_window(labels(16, known=[0, 5], center=nowhere))
    assert around.center == (5.0, 6.0)
    assert around.side == 15.0
