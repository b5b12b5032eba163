"""Tables 1 and 3 from files to numbers, on a miniature of KTH Multiview Football II."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest

from dataset_kits.discs import DiscDetectors
from dataset_kits.paper_data import NUM_FRAMES, write_football_truth
from dataset_kits.scene import joints
from poseharvest.datasets.kth_football import open_kth_football
from poseharvest.errors import DatasetError, FormatError, SkeletonError
from poseharvest.evaluation.tracks import harvest_tracks
from poseharvest.skeleton.definitions import COCO17, LSP14
from poseharvest.tables.dataset_harvests import Shot, generic_harvester
from poseharvest.tables.football.football_parts import check_joints
from poseharvest.tables.football.table1 import table1
from poseharvest.tables.football.table3 import table3
from poseharvest.tables.paper import PART_ROWS
from reproduction_kit import quick_request

SEQUENCE = "Player 2/Sequence 1"
START = 1  # of that sequence, in paper_data


@pytest.fixture(scope="module")
def made(football, tmp_path_factory):
    """Table 1, made once: its data, its folder, its detectors and itself."""
    root = tmp_path_factory.mktemp("t1")
    data, detectors = root / "kth", DiscDetectors()
    shutil.copytree(football, data)
    request = quick_request(data, root / "out", detector=detectors)
    return request, table1(request)


def values(table, panel, column):
    (found,) = [one for one in table.panels if one.title == panel]
    (scores,) = [one.scores for one in found.ours if one.title == column]
    return {row: scores[row].value for row in PART_ROWS}


def poses_of(request):
    """(F, 16, 3) by the three cameras."""
    sequence = open_kth_football(request.data).sequence(SEQUENCE)
    (found,) = generic_harvester(request, check_joints).harvest([Shot(sequence, sequence.cameras)])
    return harvest_tracks(found.harvest, unsure=True).positions, found.harvest.info


def test_table_1_stands_beside_the_paper_s(made):
    _, table = made
    three = next(panel for panel in table.panels if panel.title == "three cameras")
    assert [column.title for column in three.paper][-1] == "paper"
    assert values(table, "three cameras", "here, strict rule") == dict.fromkeys(PART_ROWS, 100)
    assert values(table, "two cameras", "here, average rule")["Average"] > 90
    pairs = next(panel for panel in table.panels if panel.title == "two cameras, pair by pair")
    assert {column.title.partition(",")[0] for column in pairs.ours} == {
        "Camera 1+Camera 2",
        "Camera 1+Camera 3",
        "Camera 2+Camera 3",
    }
    assert "nothing of the truth was given to the harvests" in table.notes


def test_every_number_says_its_protocol(made):
    for panel in made[1].panels:
        lines = panel.protocols()
        for column in panel.ours:
            assert set(column.scores) == set(PART_ROWS)
            for row, score in column.scores.items():
                assert any(row in line and str(score.protocol) in line for line in lines)
        assert all("PCP 3D" in line and "0.5 of the part's length" in line for line in lines)
    three = next(panel for panel in made[1].panels if panel.title == "three cameras")
    assert three.ours[0].scores["Average"].protocol.num_frames == NUM_FRAMES


def test_what_is_finished_is_picked_up_and_a_wrong_truth_changes_the_table(made):
    """The second call asks no detector, and reads the truth anew: only the moved arms become wrong."""
    request, before = made
    num_windows = request.detector.asked
    assert num_windows == 4
    assert table1(request).as_dict() == before.as_dict()
    poses = joints(LSP14, range(START, START + NUM_FRAMES))
    poses[:, LSP14.index("left_wrist")] += (0, 0, 400)
    write_football_truth(request.data / SEQUENCE, poses)
    after = table1(request)
    assert request.detector.asked == num_windows
    was, now = (values(table, "three cameras", "here, strict rule") for table in (before, after))
    assert now == {**was, "Lower arms": 50, "Average": 87.5}
    write_football_truth(request.data / SEQUENCE, joints(LSP14, range(START, START + NUM_FRAMES)))


def test_the_truth_changes_a_harvest_in_the_authors_setting_alone(football, tmp_path):
    data = tmp_path / "kth"
    shutil.copytree(football, data)
    plain, info = poses_of(quick_request(data, tmp_path / "a"))
    with_truth, with_truth_info = poses_of(quick_request(data, tmp_path / "b", authors_setting=True))
    wrong = joints(LSP14, range(START, START + NUM_FRAMES))
    wrong += np.array([60.0, -40.0, 20.0])
    wrong[:, LSP14.index("left_ankle"), 2] -= 40  # a longer shin
    write_football_truth(data / SEQUENCE, wrong)
    assert np.array_equal(poses_of(quick_request(data, tmp_path / "c"))[0], plain)
    misled, misled_info = poses_of(quick_request(data, tmp_path / "d", authors_setting=True))
    assert not np.allclose(misled, with_truth, atol=1)
    assert with_truth_info.options["from_truth"] == "windows, bounding volume, limb lengths"
    assert "from_truth" not in info.options
    shin = "left_knee-left_ankle"
    lengths = np.linalg.norm(wrong[:, LSP14.index("left_knee")] - wrong[:, LSP14.index("left_ankle")], axis=-1)
    assert misled_info.limb_lengths_mm[shin] == pytest.approx(float(np.median(lengths)), abs=1e-3)
    assert misled_info.limb_lengths_mm[shin] > with_truth_info.limb_lengths_mm[shin] + 30


@pytest.fixture(scope="module")
def made3(football, tmp_path_factory):
    """Table 3, made once, on data that may be changed as long as it is changed back."""
    root = tmp_path_factory.mktemp("t3")
    data, detectors = root / "kth", DiscDetectors()
    shutil.copytree(football, data)
    request = quick_request(data, root / "out", detector=detectors, authors_setting=True)
    return request, table3(request)


def test_table_3_fine_tunes_a_network_a_sequence_and_goes_on(made3):
    request, table = made3
    assert [panel.title for panel in table.panels] == ["Sequence 1", "Sequence 2"]
    for panel in table.panels:
        assert [column.title for column in panel.ours] == [
            f"here, {what}"
            for rule in ("strict", "average")
            for what in (
                f"generic, {rule} rule",
                f"refined, {rule} rule, seed 0",
            )
        ]
        for column in panel.ours:
            assert column.scores["Average"].value > 90
            assert "PCP 2D" in str(column.scores["Average"].protocol)
        assert panel.ours[0].scores["Upper arms"].protocol.num_frames == 3 * NUM_FRAMES
    num_windows = request.detector.asked
    assert table3(request).as_dict() == table.as_dict()
    assert request.detector.asked == num_windows


def test_a_wrong_two_dimensional_truth_changes_table_3(made3):
    request, before = made3
    path = request.data / "Player 2/Sequence 2" / "positions2d.txt"
    truth = path.read_text()
    pixels = np.loadtxt(path).reshape(NUM_FRAMES, 3, len(LSP14), 2)
    pixels[:, 0, LSP14.index("right_knee")] += 200
    path.write_text("".join(f"{value:.9g}\n" for value in pixels.ravel()))
    after = table3(request)
    path.write_text(truth)
    assert after.panels[0].as_dict() == before.panels[0].as_dict()
    scores = [table.panels[1].ours[0].scores for table in (before, after)]
    for row in ("Upper legs", "Lower legs"):  # one leg of two in one view of three
        assert scores[0][row].value - scores[1][row].value == pytest.approx(100 / 6)
    assert scores[0]["Upper arms"].value == scores[1]["Upper arms"].value


@pytest.fixture
def broken(football, tmp_path):
    """The truth alone, to be damaged: nothing is harvested before it is read."""
    data = tmp_path / "kth"
    shutil.copytree(football, data)
    return data


def test_a_missing_player_or_sequence_is_named(broken, tmp_path):
    shutil.rmtree(broken / "Player 2/Sequence 1")
    with pytest.raises(DatasetError, match=r"expected one sequence 1 of player2.*got 0 among Player 2/Sequence 2"):
        table1(quick_request(broken, tmp_path / "out"))
    shutil.rmtree(broken / "Player 2")
    with pytest.raises(DatasetError, match=re.escape(f"{broken}: kth_football: expected subject player2, got player1")):
        table1(quick_request(broken, tmp_path / "out"))


def test_a_corrupt_annotation_is_named_with_its_row(broken, tmp_path):
    path = broken / SEQUENCE / "positions3d.txt"
    lines = path.read_text().splitlines()
    lines[7] = "o.3"
    path.write_text("\n".join(lines))
    with pytest.raises(FormatError, match=re.escape(f"{path}: row 8: expected a number, got 'o.3'")):
        table1(quick_request(broken, tmp_path / "out"))


def test_frames_out_of_step_are_named(broken, tmp_path):
    path = broken / SEQUENCE / "cameras.txt"
    path.write_text("\n".join(path.read_text().splitlines()[:-24]))
    with pytest.raises(FormatError, match=rf"{re.escape(str(path))}: expected cameras in {NUM_FRAMES} frames"):
        table1(quick_request(broken, tmp_path / "out"))


def test_a_camera_too_few_is_named(broken, tmp_path):
    folder = broken / SEQUENCE
    shutil.rmtree(folder / "Camera 3")
    with pytest.raises(DatasetError, match="expected 3 cameras, got Camera 1, Camera 2"):
        table1(quick_request(broken, tmp_path / "out"))


def test_a_detector_of_other_joints_is_refused():
    check_joints(COCO17)
    few = LSP14.__class__("few", ("left_knee", "left_ankle"), LSP14.limbs[-1:])
    with pytest.raises(SkeletonError, match='skeleton "few": expected the joints that the table judges, it lacks '):
        check_joints(few)
