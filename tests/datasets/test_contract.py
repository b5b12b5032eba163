"""The contract of every reader, checked on a miniature of each data set in its true format."""

from __future__ import annotations

import itertools
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from dataset_kits import campus_shelf, human36m, kth_football, panoptic
from dataset_kits.scene import MARKED, Miniature, find_disc
from poseharvest.datasets.protocol import DatasetSequence, MultiViewDataset, PersonTruth, SequenceTruth
from poseharvest.datasets.registry import MULTI_VIEW, open_dataset
from poseharvest.errors import ConfigError, DatasetError, HarvestError

KITS = {
    "human36m official": human36m.official,
    "human36m official metadata": human36m.official_with_metadata,
    "human36m videopose3d": human36m.videopose3d,
    "human36m fetch": human36m.fetch,
    "human36m authors": human36m.authors,
    "kth_football": kth_football.kth_football,
    "shelf": campus_shelf.shelf,
    "campus in part": campus_shelf.campus_in_part,
    "panoptic pictures": panoptic.pictures,
    "panoptic film": panoptic.film,
}
_NEED_CDF = ("human36m official", "human36m official metadata")
_TOLERANCE_PX = 1.5


@pytest.fixture(scope="module", params=KITS)
def miniature(request, tmp_path_factory) -> Miniature:
    if request.param in _NEED_CDF and find_spec("cdflib") is None:
        pytest.skip("cdflib is not installed")
    return KITS[request.param](tmp_path_factory.mktemp("miniature"))


@pytest.fixture(scope="module")
def dataset(miniature) -> MultiViewDataset:
    return open_dataset(miniature.name, miniature.root, **miniature.options)


@pytest.fixture(scope="module")
def pairs(miniature, dataset):
    """Every sequence, with the data of its files."""
    return [(sequence, miniature.recordings[sequence.name]) for sequence in dataset.sequences]


def footage_of(sequence: DatasetSequence, miniature: Miniature, **options):
    return sequence.footage(pictures=miniature.has_pictures, **options)


def test_every_data_set_is_tested():
    assert {name.split()[0] for name in KITS} == set(MULTI_VIEW)


def test_the_sequences_are_those_written(miniature, dataset, pairs):
    assert dataset.name == miniature.name
    assert {sequence.name for sequence in dataset.sequences} == set(miniature.recordings)
    for sequence, recording in pairs:
        assert (sequence.subject, sequence.action) == (recording.subject, recording.action)
        assert set(sequence.cameras) == set(recording.cameras)


def test_the_truth_is_what_was_written(dataset, pairs):
    for sequence, recording in pairs:
        truth = sequence.truth()
        assert truth.skeleton == dataset.skeleton
        assert {person.name for person in truth.people} == set(recording.people)
        for person in truth.people:
            expected = recording.people[person.name]
            assert tuple(person.numbers.tolist()) == expected.numbers
            np.testing.assert_allclose(person.positions.numpy(), expected.positions, atol=1e-2)


def test_frames_of_truth_and_footage_are_one_count(miniature, pairs):
    for sequence, recording in pairs:
        footage = footage_of(sequence, miniature)
        assert tuple(footage.numbers.tolist()) == recording.numbers
        for person in sequence.truth().people:
            np.testing.assert_array_equal(footage.numbers[person.frames], person.numbers)


def test_the_footage_is_a_frame_source(miniature, pairs):
    for sequence, _ in pairs:
        footage = footage_of(sequence, miniature)
        assert footage.rig.names == sequence.cameras
        frames = list(footage.frames())
        assert [frame.index for frame in frames] == list(range(footage.num_frames))
        assert all(a.time_s < b.time_s for a, b in itertools.pairwise(frames))
        assert frames[0].time_s == 0
        for frame in frames:
            assert len(frame.images) == len(footage.rig)
            for camera, image in zip(footage.rig, frame.images, strict=True):
                assert (image is not None) == miniature.has_pictures
                assert image is None or (image.dtype == np.uint8 and image.shape == (*camera.image_size, 3))


def test_time_passes_at_the_frame_rate(miniature, pairs):
    for sequence, _ in pairs:
        footage = footage_of(sequence, miniature)
        times = [frame.time_s for frame in footage.frames()]
        np.testing.assert_allclose(np.diff(times).min(), 1 / footage.frame_rate)


def test_the_truth_lies_where_the_pictures_show_it(miniature, pairs):
    """Cameras, units, sides, joints and frames are right together, or the discs are elsewhere."""
    if not miniature.has_pictures:
        pytest.skip("a layout without pictures")
    for sequence, recording in pairs:
        footage = sequence.footage()
        person = sequence.truth().person(next(iter(recording.people)))
        rows = [person.skeleton.index(joint) for joint in MARKED]
        for frame in footage.frames():
            pose = person.at_frames(torch.tensor([frame.index])).positions[0, rows]
            for camera, image in zip(footage.rig.at(frame.index), frame.images, strict=True):
                discs = np.array([find_disc(image, joint) for joint in MARKED])
                np.testing.assert_allclose(camera.project(pose).pixels.numpy(), discs, atol=_TOLERANCE_PX)


def test_two_dimensional_truth_is_where_the_cameras_project_the_truth(miniature, pairs):
    for sequence, _ in pairs:
        rig = footage_of(sequence, miniature).rig
        annotated = [(one, view, row) for one in sequence.truth().people for view in one.pixels for row in one.frames]
        for person, view, frame in annotated:
            row = person.frames.tolist().index(int(frame))
            projected = rig.camera(view).at(int(frame)).project(person.positions[row]).pixels
            torch.testing.assert_close(person.pixels[view][row], projected, atol=0.05, rtol=0)


def test_a_part_of_the_frames_is_the_same_frames(miniature, pairs):
    sequence, _ = pairs[0]
    footage = footage_of(sequence, miniature)
    whole, part = list(footage.frames()), list(footage.frames(1, 2))
    assert [frame.index for frame in part] == [1]
    for frame in part:
        for a, b in zip(frame.images, whole[frame.index].images, strict=True):
            np.testing.assert_array_equal(a, b)
    assert list(footage.frames(2, 2)) == []


def test_views_may_be_chosen_and_keep_the_order_asked_for(miniature, pairs):
    sequence, _ = pairs[0]
    cameras = sequence.cameras[1::-1]
    few, every = footage_of(sequence, miniature, cameras=cameras), footage_of(sequence, miniature)
    assert few.rig.names == cameras
    for a, b in zip(few.frames(0, 1), every.frames(0, 1), strict=True):
        np.testing.assert_array_equal(a.images[0], b.images[1])
        np.testing.assert_array_equal(a.images[1], b.images[0])
    with pytest.raises(DatasetError, match=f"{sequence.name}: expected cameras of .*, got nobody"):
        sequence.footage(["nobody"])


def test_no_way_leads_from_the_footage_to_the_truth(miniature, pairs):
    """The objects that inference can reach from the footage never contain the truth."""
    visited: set[int] = set()

    def reach(thing: object, depth: int = 0) -> None:
        assert not isinstance(thing, DatasetSequence | SequenceTruth | PersonTruth | MultiViewDataset)
        if id(thing) in visited or depth > 8:
            return
        visited.add(id(thing))
        parts = list(vars(thing).values()) if hasattr(thing, "__dict__") else []
        parts += list(thing) if isinstance(thing, tuple | list) else []
        for part in parts:
            if not callable(part):
                reach(part, depth + 1)

    reach(footage_of(pairs[0][0], miniature))


def test_a_missing_subject_an_action_and_a_sequence_are_named(dataset):
    with pytest.raises(DatasetError, match=rf"{dataset.root}: {dataset.name}: expected subject S99, got .* alone"):
        dataset.select(subjects=["S99"])
    with pytest.raises(DatasetError, match="expected action Flying, got "):
        dataset.select(actions=["Flying"])
    with pytest.raises(DatasetError, match="expected sequence a/b, got "):
        dataset.sequence("a/b")


def test_selecting_keeps_what_was_asked_for(dataset):
    subject, action = dataset.subjects[0], dataset.actions[-1]
    assert {s.subject for s in dataset.select(subjects=[subject])} == {subject}
    assert {s.action for s in dataset.select(actions=[action])} == {action}
    assert dataset.select() == dataset.sequences


@pytest.mark.parametrize("name", MULTI_VIEW)
def test_a_folder_of_something_else_is_refused(name, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(HarvestError, match=f"{tmp_path}.*expected"):
        open_dataset(name, tmp_path)
    with pytest.raises(HarvestError, match=r"nowhere.*expected"):
        open_dataset(name, tmp_path / "nowhere")


def test_an_unknown_data_set_is_named():
    with pytest.raises(ConfigError, match=r'data set: expected one of human36m.*, got "nothing"'):
        open_dataset("nothing", "x")
