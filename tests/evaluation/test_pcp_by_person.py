"""The table of Campus and Shelf: by hand, and from the files of a miniature in the true format to the percentages."""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from dataset_kits import campus_shelf as kit
from dataset_kits.scene import joints
from poseharvest.errors import HarvestError, SkeletonError
from poseharvest.evaluation.pcp_by_person import pcp_by_person
from poseharvest.evaluation.tracks import PoseTracks
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.skeleton.definitions import COCO17, LSP14, MPII16
from poseharvest.skeleton.human import BODY15, BODY25, BODY25B, HALPE26, human_skeleton

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def tracks(rows: list[tuple[int, int]], poses: np.ndarray, names: tuple[str, ...] = LSP14.joints) -> PoseTracks:
    frames, persons = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return PoseTracks(names, frames, persons, poses)


def everybody(frames: range = range(2)) -> PoseTracks:
    """Two people in two frames."""
    poses = np.concatenate([joints(LSP14, frames, person) for person in range(2)])
    return tracks([(frame, person) for person in range(2) for frame in frames], poses)


def moved(truth: PoseTracks, joint: str, by_mm: float) -> PoseTracks:
    poses = truth.positions.copy()
    poses[:, truth.joints.index(joint), 0] += by_mm
    return tracks(list(zip(truth.frames.tolist(), truth.persons.tolist(), strict=True)), poses)


def test_the_truth_itself_is_perfect_whatever_the_numbers() -> None:
    truth = everybody()
    renumbered = PoseTracks(truth.joints, truth.frames, np.array([9, 4, 4, 9]), truth.positions)
    table = pcp_by_person(renumbered, LSP14, truth, ["ann", "bob"])
    assert list(table.people) == ["ann", "bob"]
    assert table.mean.value == 100
    assert "average rule" in str(table.mean.protocol)


def test_a_wrist_off_by_more_than_its_forearm_is_one_part_of_ten() -> None:
    """The forearm is 291 mm: an error of one end may be as long, since the mean of both counts."""
    truth = everybody()
    forearm = float(
        np.linalg.norm(
            truth.positions[0, LSP14.index("left_wrist")] - truth.positions[0, LSP14.index("left_elbow")], axis=-1
        )
    )
    near = pcp_by_person(moved(truth, "left_wrist", 0.95 * forearm), LSP14, truth)
    far = pcp_by_person(moved(truth, "left_wrist", 1.2 * forearm), LSP14, truth)
    assert near.mean.value == 100
    assert far.people["0"].value == pytest.approx(90)
    assert far.parts["0"]["lower arms"].value == pytest.approx(50)
    assert far.parts["0"]["torso"].value == 100


def test_who_is_not_found_has_the_nearest_and_no_frame_is_forgiven() -> None:
    truth = everybody()
    only_first = PoseTracks(truth.joints, truth.frames[:1], truth.persons[:1], truth.positions[:1])
    table = pcp_by_person(only_first, LSP14, truth)
    assert table.people["0"].value == 50
    assert table.people["1"].value == 0
    assert table.mean.value == 25


def test_no_truth_is_an_error() -> None:
    truth = everybody()
    empty = PoseTracks(truth.joints, truth.frames[:0], truth.persons[:0], truth.positions[:0])
    with pytest.raises(HarvestError, match="PCP by person: expected true poses"):
        pcp_by_person(truth, LSP14, empty)


def test_a_head_made_of_ears_says_so() -> None:
    truth = everybody()
    poses = np.concatenate([joints(COCO17, range(2), person) for person in range(2)])
    table = pcp_by_person(tracks([(0, 0), (1, 0), (0, 1), (1, 1)], poses, COCO17.joints), COCO17, truth)
    assert table.mean.value == 100
    assert "head extrapolated" in str(table.people["0"].protocol)
    assert "head extrapolated" not in str(pcp_by_person(truth, LSP14, truth).people["0"].protocol)


@pytest.mark.parametrize(
    ("skeleton", "not_judged"),
    [(BODY15, ["head", "torso"]), (BODY25, []), (BODY25B, []), (HALPE26, []), (COCO17, [])],
    ids=lambda value: getattr(value, "name", None),
)
def test_parts_that_a_skeleton_lacks_are_not_judged_and_ears_make_a_head(skeleton, not_judged) -> None:
    truth = everybody()
    known = [joint for joint in skeleton.joints if joint in {*COCO17.joints, *MPII16.joints}]
    poses = {s.name: np.concatenate([joints(s, range(2), person) for person in range(2)]) for s in (COCO17, MPII16)}
    source = {name: (COCO17 if name in COCO17.joints else MPII16) for name in known}
    made = np.full((4, len(skeleton), 3), np.nan)
    for name in known:
        made[:, skeleton.index(name)] = poses[source[name].name][:, source[name].index(name)]
    table = pcp_by_person(tracks([(0, 0), (1, 0), (0, 1), (1, 1)], made, skeleton.joints), skeleton, truth)
    for person in ("0", "1"):
        assert [part for part, score in table.parts[person].items() if np.isnan(score.value)] == not_judged
        assert list(table.parts[person])[:2] == ["head", "torso"]
    assert table.mean.value == 100
    protocol = str(table.people["0"].protocol)
    assert ("not judged, since the skeleton lacks joints of it: head, torso" in protocol) == bool(not_judged)


def test_a_skeleton_with_no_part_is_an_error() -> None:
    truth = everybody()
    wrists = human_skeleton("wrists", ("thorax",))
    with pytest.raises(SkeletonError, match=r"PCP by person: skeleton .wrists. lacks joints|none of"):
        pcp_by_person(tracks([(0, 0)], np.zeros((1, 1, 3)), ("thorax",)), wrists, truth)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """benchmarks/shelf.py."""
    spec = importlib.util.spec_from_file_location("shelf_benchmark", BENCHMARKS / "shelf.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_keypoints(root: Path) -> None:
    """VoxelPose's pickle of three people whom all cameras see, in another order in every picture."""
    content = {}
    for number, camera in enumerate(kit.rig("shelf")):
        for frame in range(kit.NUM_FRAMES):
            people = []
            for person in range(3):
                pose = torch.from_numpy(joints(COCO17, range(kit.NUM_FRAMES), person)[frame])
                pixels = camera.at(frame).project(pose).pixels.numpy()
                people.append({"pred": np.concatenate((pixels, np.full((17, 1), 0.8)), 1)})
            turn = (number + frame) % 3
            content[f"{camera.name}_{frame}"] = people[turn:] + people[:turn]
    (root / "pred_shelf_maskrcnn_hrnet_coco.pkl").write_bytes(pickle.dumps(content, protocol=3))


def test_shelf_from_its_files_to_the_table(tmp_path: Path, script: ModuleType) -> None:
    root = kit.shelf(tmp_path / "Shelf").root
    write_keypoints(root)
    options = HarvestOptions(people=None, inference=InferenceOptions(resolution=32), warm_up_frames=3, num_previews=0)
    table = script.run("shelf", root, tmp_path / "harvest", None, options)
    assert list(table.people) == ["actor1", "actor3"]  # actor2 is annotated in no frame
    assert {name: score.protocol.num_frames for name, score in table.people.items()} == {"actor1": 3, "actor3": 2}
    assert table.mean.value == 100
    assert set(table.parts["actor1"]) == {"head", "torso", "upper arms", "lower arms", "upper legs", "lower legs"}
