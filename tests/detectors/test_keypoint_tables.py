"""DeepLabCut's and SLEAP's files, in the layouts that the tools write."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from keypoint_table_kit import FRAMES, NAMES, planted, write_csv, write_pandas, write_sleap
from poseharvest.detectors.keypoint_tables import read_table, view_of_table
from poseharvest.detectors.keypoints import KeypointDetector, KeypointOptions
from poseharvest.errors import DetectorError, FormatError
from poseharvest.skeleton.definitions import COCO17

WRITERS = {
    "dlc.csv": lambda folder, rows, people: write_csv(folder / "a.csv", rows, people),
    "dlc.h5": lambda folder, rows, people: write_pandas(folder / "a.h5", rows, people),
    "sleap.h5": lambda folder, rows, people: write_sleap(folder / "a.h5", rows),
    "sleap.h5, dims": lambda folder, rows, people: write_sleap(
        folder / "a.h5", rows, dims=("frame", "node", "track", "xy")
    ),
}


@pytest.mark.parametrize("kind", sorted(WRITERS))
@pytest.mark.parametrize("people", [[""], ["ada", "bob"]])
def test_what_was_planted_is_read(tmp_path, kind, people):
    rows = planted(len(people))
    files = read_table(WRITERS[kind](tmp_path, rows, people))
    assert files.joints == COCO17.joints
    assert files.frames == tuple(range(FRAMES))
    assert files.lists_every_picture
    assert files.people(1) == []
    for number in (0, 2, 3, 4):
        found = [person.numpy() for person in files.people(number)]
        assert len(found) == len(people)
        for ours, theirs in zip(found, rows[number], strict=True):
            np.testing.assert_allclose(ours, np.where(np.isnan(theirs), 0, theirs), atol=1e-12)


def test_sleap_without_scores_is_sure(tmp_path):
    files = read_table(write_sleap(tmp_path / "a.h5", planted(), scores=False))
    assert set(files.people(0)[0][:, 2].tolist()) == {1.0}
    assert float(files.people(2)[0][3, 2]) == 0


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("cam01DLC_resnet50_walkNov1shuffle1_100000.h5", "cam01"),
        ("cam01DLC_resnet50_walkNov1shuffle1_100000_filtered.csv", "cam01"),
        ("cam 2.csv", "cam 2"),
        ("left.analysis.h5", "left"),
        ("labels.v001.000_left.analysis.h5", "left"),
        ("left.mp4.predictions.slp", "left"),
        ("DLC_only.csv", "DLC_only"),
    ],
)
def test_the_view_of_a_file(name, view):
    assert view_of_table(Path(name)) == view


def test_a_folder_of_tables_is_a_detector(tmp_path):
    rows = planted()
    write_pandas(tmp_path / "oneDLC_net.h5", rows, [""])
    write_csv(tmp_path / "oneDLC_net.csv", rows, [""])  # the same again, as DeepLabCut writes it on request
    write_sleap(tmp_path / "two.analysis.h5", rows)
    detector = KeypointDetector(tmp_path)
    assert detector.skeleton.name == "coco17"
    assert detector.num_pictures() == {"one": FRAMES, "two": FRAMES}
    np.testing.assert_allclose(detector.people("one", 0)[0], detector.people("two", 0)[0])
    before = detector.fingerprint
    assert before["files"] == 3
    os.utime(tmp_path / "two.analysis.h5")
    write_sleap(tmp_path / "two.analysis.h5", rows + 1)
    assert KeypointDetector(tmp_path).fingerprint != before


def test_an_animal_is_refused_and_read_by_a_layout_of_one_s_own(tmp_path):
    nodes = ["snout", "neck_base_x", "tail_base", "tail_tip"]
    rows = np.random.default_rng(1).uniform(10, 90, (3, 1, 4, 2))
    for view in ("one", "two"):
        with h5py.File(tmp_path / f"{view}.analysis.h5", "w") as file:
            file["tracks"] = rows.transpose(1, 3, 2, 0)
            file["node_names"] = np.array(nodes, dtype="S20")
    with pytest.raises(DetectorError, match=r"no joints of a person \(snout, neck_base_x, tail_base, tail_tip\): give"):
        _ = KeypointDetector(tmp_path).skeleton
    layout = tmp_path / "mouse.toml"
    layout.write_text(
        'name = "mouse"\njoints = ["snout", "neck_base_x", "tail_base", "tail_tip"]\n'
        'limbs = [["tail_base", "neck_base_x"], ["neck_base_x", "snout"], ["tail_base", "tail_tip"]]\n'
    )
    detector = KeypointDetector(tmp_path, KeypointOptions(layout=str(layout)))
    assert detector.skeleton.joints == tuple(nodes)
    np.testing.assert_allclose(detector.people("one", 2)[0][:, :2], rows[2, 0])


CSV_FAULTS = {
    "no head": (lambda text: text.replace("coords", "kinds", 1), "expected DeepLabCut's rows scorer, bodyparts and co"),
    "truncated": (lambda text: text[: len(text) - 90], r"expected \d+ columns in every row, got fewer or more"),
    "a word": (lambda text: text.replace("\n3,", "\n3,lost,", 1).replace(",lost,", ",lost", 1), "expected"),
    "labels": (
        lambda text: text.replace("\n3,", "\nlabeled-data/walk/img003.png,", 1),
        "expected the number .*: labels of pictures are not read",
    ),
    "no rows": (
        lambda text: "\n".join(text.split("\n")[:3]) + "\n",
        "expected a row for every frame, got none",
    ),
    "no score": (
        lambda text: text.replace("likelihood", "z"),
        "expected columns x, y and likelihood of every body par",
    ),
}


@pytest.mark.parametrize("fault", sorted(CSV_FAULTS))
def test_a_csv_that_is_wrong_says_what(tmp_path, fault):
    path = write_csv(tmp_path / "a.csv", planted(), [""])
    change, message = CSV_FAULTS[fault]
    path.write_text(change(path.read_text().replace("\r\n", "\n")))
    with pytest.raises(FormatError, match=f"a.csv: {message}"):
        read_table(path)


def test_tables_of_others_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["weights"] = np.zeros(3)
    with pytest.raises(FormatError, match=r"expected a table of DeepLabCut .* or tracks of SLEAP in HDF5, got neither"):
        read_table(path)
    with h5py.File(path, "w") as file:
        file["tracks"], file["node_names"] = np.zeros((1, 2, 3, 4)), np.array(["a", "b"], dtype="S1")
    with pytest.raises(FormatError, match=r"expected tracks of x and y of 2 nodes, got the shape \(1, 2, 3, 4\)"):
        read_table(path)
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(FormatError, match="expected a table of DeepLabCut or an analysis of SLEAP in HDF5, got"):
        read_table(path)


def test_the_pickle_in_a_table_runs_nothing(tmp_path):
    path = write_pandas(tmp_path / "a.h5", planted(), [""])
    with h5py.File(path, "a") as file:
        stored = file["df_with_missing/table"]
        stored.attrs["values_block_0_kind"] = np.bytes_(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(FormatError, match=r"names of the columns: expected a pickle of plain values.*os.system"):
        read_table(path)


def test_a_table_that_lies_in_another_file_is_refused(tmp_path):
    write_sleap(tmp_path / "other.h5", planted())
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["tracks"] = h5py.ExternalLink("other.h5", "tracks")
        file["node_names"] = np.array(NAMES, dtype="S20")
    with pytest.raises(FormatError, match='expected a data set "tracks"'):
        read_table(tmp_path / "a.h5")


def test_a_project_of_sleap(tmp_path):
    sleap_io = pytest.importorskip("sleap_io", reason="needs the extra sleap")
    rows = planted(2)
    skeleton = sleap_io.Skeleton(NAMES)
    video = sleap_io.Video("left.mp4", open_backend=False)
    frames = []
    for number in (0, 2, 4):
        people = [
            sleap_io.PredictedInstance.from_numpy(
                points[:, :2], skeleton=skeleton, point_scores=points[:, 2], score=1.0
            )
            for points in rows[number]
        ]
        frames.append(sleap_io.LabeledFrame(video=video, frame_idx=number, instances=people))
    labels = sleap_io.Labels(frames)
    path = tmp_path / "left.slp"
    labels.save(str(path), verbose=False)
    files = read_table(path)
    assert files.joints == COCO17.joints
    assert files.frames == (0, 2, 4)
    assert not files.lists_every_picture
    for number in files.frames:
        found = [person.numpy() for person in files.people(number)]
        for ours, theirs in zip(found, rows[number], strict=True):
            np.testing.assert_allclose(ours, np.where(np.isnan(theirs), 0, theirs), atol=1e-6)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(FormatError, match=r"left.slp: expected a project of SLEAP"):
        read_table(path)


def test_sleap_s_own_analysis_file(tmp_path):
    sleap_io = pytest.importorskip("sleap_io", reason="needs the extra sleap")
    if not hasattr(sleap_io, "save_analysis_h5"):
        pytest.skip("this sleap-io does not write analysis files")
    rows = planted()
    skeleton, track = sleap_io.Skeleton(NAMES), sleap_io.Track("ada")
    video = sleap_io.Video("left.mp4", open_backend=False)
    frames = [
        sleap_io.LabeledFrame(
            video=video,
            frame_idx=number,
            instances=[
                sleap_io.PredictedInstance.from_numpy(
                    rows[number, 0, :, :2], skeleton=skeleton, point_scores=rows[number, 0, :, 2], score=1, track=track
                )
            ],
        )
        for number in (0, 2, 3, 4)
    ]
    path = tmp_path / "left.analysis.h5"
    sleap_io.save_analysis_h5(sleap_io.Labels(frames), str(path))
    files = read_table(path)
    assert files.joints == COCO17.joints
    np.testing.assert_allclose(files.people(3)[0], rows[3, 0], atol=1e-6)
    assert files.people(1) == []


def test_without_sleap_io_the_remedy_is_named(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sleap_io", None)
    for view in ("one", "two"):
        (tmp_path / f"{view}.slp").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(
        DetectorError, match=r"SLEAP's projects need sleap-io: pip install 'poseharvest\[sleap\]'; or ex"
    ):
        _ = KeypointDetector(tmp_path).skeleton
