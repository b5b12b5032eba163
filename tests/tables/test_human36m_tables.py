"""Tables 2, 4 and 5 from files to numbers, on a miniature of Human3.6M."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest

from dataset_kits.discs import DiscDetectors
from dataset_kits.paper_data import NUM_FRAMES, write_annotations, write_human36m
from dataset_kits.scene import joints
from poseharvest.detectors.network import WindowDetector
from poseharvest.errors import ConfigError, DatasetError, FormatError, SkeletonError, TrainingError
from poseharvest.evaluation.pairs import PosePairs
from poseharvest.skeleton.definitions import COCO17, H36M17, LSP14
from poseharvest.tables.human36m.errors_by_action import actions_of, check_joints
from poseharvest.tables.human36m.table2 import table2
from poseharvest.tables.human36m.table4 import table4
from poseharvest.tables.human36m.table5 import table5
from poseharvest.tables.judging import missing_notes
from reproduction_kit import quick_request

NUMBERS = [1 + 5 * frame for frame in range(NUM_FRAMES)]


@pytest.fixture(scope="module")
def made(human36m, tmp_path_factory):
    """Table 2, made once, on data that may be changed as long as it is changed back."""
    root = tmp_path_factory.mktemp("t2")
    shutil.copytree(human36m, root / "h36m")
    request = quick_request(root / "h36m", root / "out", actions=("Posing",))
    return request, table2(request)


def column(table, alignment, panel=0):
    (found,) = [one.scores for one in table.panels[panel].ours if one.title == f"here, alignment {alignment}"]
    return found


def test_table_2_stands_beside_the_paper_s(made):
    _, table = made
    (panel,) = table.panels
    assert panel.rows == ("Posing", "Average", "Average of 1 of 15 actions", "Average over frames")
    paper = next(one for one in panel.paper if one.title == "paper")
    assert (paper.values["Posing"], paper.values["Average"]) == (40.33, 56.89)
    ours = column(table, "centroid")
    assert "Average" not in ours, "a mean over one action is not that over 15"
    assert ours["Posing"].value == pytest.approx(ours["Average over frames"].value)
    assert ours["Posing"].value < 90  # voxels of 125 mm
    assert ours["Posing"].protocol.num_frames == 2 * NUM_FRAMES
    assert str(ours["Posing"].protocol) == "MPJPE, alignment centroid, 16 joints, 8 frames, mm"
    assert any("1 of its 15 actions" in note for note in table.notes)
    assert any("5 apart" in note and "mpii16" in note for note in table.notes)


def test_a_truth_that_is_elsewhere_changes_the_absolute_error_alone_and_nothing_is_harvested_again(made):
    request, before = made
    num_windows = request.detector.asked
    for subject, start in (("S9", 0), ("S11", 2)):
        moved = joints(H36M17, range(start, start + NUM_FRAMES)) + np.array([0.0, 300.0, 0.0])
        write_annotations(request.data / subject / "Posing-1", NUMBERS, moved)
    after = table2(request)
    assert request.detector.asked == num_windows == 2
    assert column(after, "centroid")["Posing"].value == pytest.approx(column(before, "centroid")["Posing"].value)
    assert column(after, "none")["Posing"].value > column(before, "none")["Posing"].value + 150
    for subject, start in (("S9", 0), ("S11", 2)):
        write_annotations(
            request.data / subject / "Posing-1", NUMBERS, joints(H36M17, range(start, start + NUM_FRAMES))
        )


def test_a_folder_of_other_settings_is_not_used(made):
    request, _ = made
    other = quick_request(request.data, request.out, actions=("Posing",), detector=DiscDetectors(faded=("pelvis",)))
    with pytest.raises(ConfigError, match="was made with detector faded"):
        table2(other)
    with pytest.raises(ConfigError, match="was made with authors_setting False, asked for is True"):
        table2(quick_request(request.data, request.out, actions=("Posing",), authors_setting=True))


def test_footage_that_has_become_longer_is_not_taken_for_the_old_one(made):
    request, _ = made
    write_annotations(request.data / "S9" / "Posing-1", [*NUMBERS, 21], joints(H36M17, range(NUM_FRAMES + 1)))
    with pytest.raises(ConfigError, match="Posing-1: was made with frames count 4, asked for is 5"):
        table2(request)
    write_annotations(request.data / "S9" / "Posing-1", NUMBERS, joints(H36M17, range(NUM_FRAMES)))


def test_frames_without_anybody_are_told():
    truth = np.zeros((5, 2, 3))
    truth[4] = np.nan
    estimate = np.ones((5, 2, 3))
    estimate[1], estimate[2, 0] = np.nan, np.nan
    pairs = PosePairs(estimate, truth, ("pelvis", "thorax"))
    assert list(missing_notes(pairs, "S9/Posing-1")) == ["S9/Posing-1: nobody was found in 1 of 4 annotated frames"]
    assert not list(missing_notes(pairs.select(np.array([0, 2])), "S9/Posing-1"))


@pytest.mark.slow
@pytest.mark.long
def test_table_4_compares_the_label_sets_and_shares_the_generic_harvests(human36m, tmp_path):
    detectors = DiscDetectors()
    request = quick_request(human36m, tmp_path / "out", detector=detectors, authors_setting=True, actions=("Posing",))
    generic = column(table2(request), "centroid")["Posing"]
    assert detectors.asked == 2
    table = table4(request)
    # For each of 4 label sets and 2 subjects one network is learned and one take harvested again.
    assert detectors.asked == 2 + 4 * 2 * 2
    titles = [one.title for one in table.panels[0].ours]
    assert titles == ["here, Generic", *(f"here, {name}, seed 0" for name in ("HM", "HM+sel", "PS", "PS+sel"))]
    assert table.panels[0].ours[0].scores["Posing"] == generic
    assert table.panels[1].title == "alignment none"
    assert any("windows, bounding volume, limb lengths come from the truth" in note for note in table.notes)
    assert table4(request).as_dict() == table.as_dict()
    assert detectors.asked == 18


@pytest.mark.slow
@pytest.mark.long
def test_table_5_learns_from_five_subjects_and_is_judged_on_the_others(tmp_path):
    data = write_human36m(tmp_path / "h36m", ("Photo-1",), ("S1", "S5", "S6", "S7", "S8", "S9", "S11"))
    detectors = DiscDetectors()
    request = quick_request(data, tmp_path / "out", detector=detectors, authors_setting=True, actions=("Photo",))
    table = table5(request)
    ours = {one.title: one.scores for one in table.panels[0].ours}
    assert list(ours) == [f"here, alignment {name}, seed 0" for name in ("centroid", "root (pelvis)", "procrustes")]
    errors = [scores["Average over frames"].value for scores in ours.values()]
    assert errors[2] <= errors[0] <= 1000
    assert all(scores["Average over frames"].protocol.num_frames == 2 * 4 * NUM_FRAMES for scores in ours.values())
    assert all("Average (6 actions)" not in scores for scores in ours.values())
    num_windows = detectors.asked
    assert num_windows == 7
    assert table5(request).as_dict() == table.as_dict()
    assert detectors.asked == num_windows
    (tmp_path / "out/units/single view/seed 0/S9%2FPhoto-1/predictions.npz").write_bytes(b"nothing")
    with pytest.raises(Exception, match=r"predictions.npz: the predictions are damaged"):
        table5(request)


@pytest.fixture
def broken(human36m, tmp_path):
    data = tmp_path / "h36m"
    shutil.copytree(human36m, data)
    return data


def test_a_missing_subject_and_a_missing_take_are_named(broken, tmp_path):
    with pytest.raises(DatasetError, match=r"human36m: expected action Directions, Discussion, .*, got Posing alone"):
        table2(quick_request(broken, tmp_path / "out", actions=None))
    (broken / "S9" / "Posing-1").rename(broken / "S9" / "Photo-1")
    message = "expected takes of every action and subject, missing Posing of S9, Photo of S11; ask for fewer"
    with pytest.raises(DatasetError, match=message):
        table2(quick_request(broken, tmp_path / "out", actions=("Posing", "Photo")))
    shutil.rmtree(broken / "S11")
    message = re.escape(f"{broken}: human36m: expected subject S11, got S9 alone")
    with pytest.raises(DatasetError, match=message):
        table2(quick_request(broken, tmp_path / "out", actions=("Posing",)))
    with pytest.raises(DatasetError, match="expected subject S1, S5, S6, S7, S8, got S9 alone"):
        table5(quick_request(broken, tmp_path / "out", actions=("Posing",)))


def test_a_corrupt_annotation_is_named(broken, tmp_path):
    path = broken / "S9" / "Posing-1" / "annot.h5"
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(FormatError, match=re.escape(f"{path}: expected an HDF5 file")):
        table2(quick_request(broken, tmp_path / "out", actions=("Posing",)))


def test_frames_out_of_step_are_named(broken, tmp_path):
    path = broken / "S9" / "Posing-1" / "annot.h5"
    with h5py.File(path, "r+") as file:
        file["frame"][0] = 2
    with pytest.raises(DatasetError, match=r"S9/Posing-1: cameras \d+ and \d+ are out of step: frame [12] is not"):
        table2(quick_request(broken, tmp_path / "out", actions=("Posing",)))


def test_joints_that_the_protocol_cannot_judge_are_refused():
    check_joints(H36M17)
    check_joints(LSP14)
    with pytest.raises(SkeletonError, match='conversion from "coco17" to "mpii16": "coco17" lacks head_top'):
        check_joints(COCO17)


def test_actions_keep_the_paper_s_order_and_unknown_ones_are_named(tmp_path):
    request = quick_request(tmp_path, tmp_path, actions=("Walking", "Eating"))
    assert actions_of(request) == ("Eating", "Walking")
    assert len(actions_of(quick_request(tmp_path, tmp_path))) == 15
    with pytest.raises(ConfigError, match=r"actions: expected some of Directions, .*, got Flying"):
        actions_of(quick_request(tmp_path, tmp_path, actions=("Flying",)))


def test_sequences_that_are_left_out_must_exist_and_are_told(made):
    request, _ = made
    with pytest.raises(DatasetError, match="expected sequence S9/Flying, got"):
        table2(replace(request, leave_out=("S9/Flying",)))
    table = table2(replace(request, leave_out=("S9/Posing-1",)))
    assert column(table, "centroid")["Posing"].protocol.num_frames == NUM_FRAMES
    assert "left out as asked: S9/Posing-1" in table.notes


def test_a_detector_without_a_network_cannot_be_fine_tuned(made):
    class Blind(DiscDetectors):
        def load(self, sequence):
            network = super().load(sequence)
            return WindowDetector(
                network._final_heatmaps,
                name="blind",
                skeleton=network.skeleton,
                heatmap_size=network.heatmap_size,
                preprocessing=network.preprocessing,
                options=network._options,
            )

    request, _ = made
    with pytest.raises(TrainingError, match='detector "blind": has no network that can be trained'):
        table4(replace(request, detector=Blind()))
