"""Campus and Shelf beyond the contract: the real fixtures, people who come and go, keypoints, and bad copies."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from scipy.io import loadmat, savemat

from dataset_kits import campus_shelf as kit
from dataset_kits.scene import joints
from poseharvest.datasets.campus_shelf import EVALUATION_ACTORS, EVALUATION_FRAMES, open_shelf
from poseharvest.datasets.registry import open_dataset
from poseharvest.datasets.voxelpose_keypoints import convert_voxelpose_keypoints
from poseharvest.detectors.keypoints import KeypointDetector, KeypointOptions
from poseharvest.errors import DatasetError, FormatError
from poseharvest.skeleton.definitions import LSP14


@pytest.fixture
def root(tmp_path):
    return kit.shelf(tmp_path).root


def truth(root):
    return open_shelf(root).sequences[0].truth()


def test_people_come_and_go(root):
    frames = {person.name: person.frames.tolist() for person in truth(root).people}
    assert frames == {name: list(present) for name, present in kit.PRESENT.items()}


def test_the_frames_that_papers_judge():
    assert len(EVALUATION_FRAMES["shelf"]) == 301
    assert len(EVALUATION_FRAMES["campus"]) == 121 + 101
    assert EVALUATION_ACTORS == ("actor1", "actor2", "actor3")


def test_truth_is_cut_to_the_frames_asked_for(root):
    person = truth(root).person("actor3")
    assert person.at_numbers(torch.tensor([2, 3, 9])).numbers.tolist() == [2]
    assert person.at_frames(torch.tensor([1])).positions.shape == (1, 14, 3)
    with pytest.raises(DatasetError, match="expected one person, got actor1, actor2, actor3"):
        _ = truth(root).only
    with pytest.raises(DatasetError, match='expected a person of actor1, actor2, actor3, got "actor9"'):
        truth(root).person("actor9")


def test_pictures_beyond_the_annotations_are_out_of_step(root):
    shutil.copy(root / "Camera0" / "img_000002.png", root / "Camera0" / "img_000003.png")
    with pytest.raises(DatasetError, match=r"actorsGT\.mat are out of step: expected pictures numbered 0 to 2, got 3"):
        open_shelf(root).sequences[0].footage()


def test_without_pictures_the_frames_are_those_annotated(root):
    for camera in range(5):
        shutil.rmtree(root / f"Camera{camera}")
    sequence = open_shelf(root).sequences[0]
    assert sequence.footage(pictures=False).numbers.tolist() == [0, 1, 2]
    with pytest.raises(DatasetError, match=r"Camera0: expected numbered pictures .*, got none"):
        sequence.footage()


def write_actors(root, poses, pixels) -> None:
    savemat(root / "actorsGT.mat", {"actor3D": kit.row(poses), "actor2D": kit.row(pixels)})


def test_actors_out_of_step_are_named(root):
    pose, views = np.zeros((14, 3)), kit.row([kit.EMPTY] * 5)
    write_actors(root, [kit.cells([pose] * 3), kit.cells([pose] * 2)], [kit.cells([views] * 3)] * 2)
    with pytest.raises(DatasetError, match=r"actorsGT\.mat: actors are out of step: .* got 3, 2, 3, 3"):
        truth(root)


def test_another_skeleton_is_named(root):
    poses = [kit.cells([np.ones((15, 3)), np.ones((14, 3))])]
    write_actors(root, poses, [kit.cells([kit.row([kit.EMPTY] * 5)] * 2)])
    with pytest.raises(
        FormatError, match=r"actorsGT\.mat: actor1, frame 0: expected 14 joints, \(14, 3\), got \(15, 3\)"
    ):
        truth(root)


def test_cells_packed_once_more_are_the_same(root):
    """MATLAB saves a cell within a cell where the variable was one."""
    before = truth(root).person("actor1").positions
    content = loadmat(root / "actorsGT.mat")
    savemat(root / "actorsGT.mat", {key: kit.cells([content[key]]) for key in ("actor3D", "actor2D")})
    torch.testing.assert_close(truth(root).person("actor1").positions, before)


@pytest.mark.parametrize("keep", [0, 60, 300])
def test_a_damaged_mat_is_named(root, keep):
    path = root / "actorsGT.mat"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FormatError, match=r"actorsGT\.mat: expected a (MATLAB file|variable)"):
        truth(root)


def test_a_missing_or_another_calibration_is_named(root):
    path = root / "calibration_shelf.json"
    path.write_text(json.dumps({"0": {"R": 1}}))
    with pytest.raises(FormatError, match=r"calibration_shelf\.json: not a calibration of VoxelPose: a camera without"):
        open_shelf(root)
    path.unlink()
    with pytest.raises(DatasetError, match=r"calibration_shelf\.json: expected a file of Shelf, found nothing there"):
        open_shelf(root)


class TestKeypoints:
    def test_they_become_files_that_the_detector_reads(self, tmp_path):
        numbers = (300, 301, 303)
        predictions = kit.write_predictions(tmp_path / "pred.pkl", numbers)
        paths = convert_voxelpose_keypoints(tmp_path / "pred.pkl", tmp_path / "keypoints", numbers)
        assert [path.name for path in paths] == [f"{camera}.json" for camera in range(5)]
        detector = KeypointDetector(tmp_path / "keypoints", KeypointOptions(layout="coco17"))  # made: they are nobody's
        assert detector.skeleton.name == "coco17"
        for frame, number in enumerate(numbers):
            people = detector.people("3", frame)
            assert len(people) == len(predictions[f"3_{number}"])
            for person, record in zip(people, predictions[f"3_{number}"], strict=True):
                np.testing.assert_allclose(person.numpy(), record["pred"])

    def test_other_pickles_are_named(self, tmp_path):
        import pickle

        path = tmp_path / "pred.pkl"
        for content, message in (
            ([1], "expected people by picture, got list"),
            ({"0": []}, 'expected pictures named CAMERA_NUMBER, got "0"'),
            ({"0_1": [{"pred": np.zeros((15, 3))}]}, r"0_1: expected 17 keypoints, \(17, 3\), got \(15, 3\)"),
        ):
            path.write_bytes(pickle.dumps(content))
            with pytest.raises(FormatError, match=message):
                convert_voxelpose_keypoints(path, tmp_path / "out", range(3))


@pytest.mark.data
@pytest.mark.parametrize(("name", "num_cameras", "tolerance_px"), [("shelf", 5, 0.1), ("campus", 3, 3.0)])
def test_the_real_annotations_agree_with_the_real_cameras(shared_dir, name, num_cameras, tolerance_px):
    """Their own 2D annotations lie where we project their 3D ones: centre, units, axes and joints are right.

    The calibration of Shelf that is passed around is rounded; Campus was annotated by hand, in whole pixels.
    """
    sequence = open_dataset(name, shared_dir / "fixtures" / name).sequences[0]
    rig = sequence.footage(pictures=False).rig
    assert len(rig) == num_cameras
    judged = 0
    for person in sequence.truth().people:
        for view, pixels in person.pixels.items():
            projected = rig.camera(view).at(0).project(person.positions).pixels
            if len(pixels):
                assert float((pixels - projected).norm(dim=-1).max()) < tolerance_px
                judged += 1
    assert judged == num_cameras * (2 if name == "shelf" else 1)


@pytest.mark.data
def test_the_real_predictions_are_converted(shared_dir, tmp_path):
    source = shared_dir / "fixtures" / "shelf" / "pred_shelf_maskrcnn_hrnet_coco.pkl"
    convert_voxelpose_keypoints(source, tmp_path, range(3))
    detector = KeypointDetector(tmp_path)
    assert [len(detector.people("1", frame)) for frame in range(3)] == [3, 3, 3]


def test_the_kit_projects_what_it_says():
    assert joints(LSP14, range(2)).shape == (2, 14, 3)
