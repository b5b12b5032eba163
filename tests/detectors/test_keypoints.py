import json

import numpy as np
import pytest
import torch

from poseharvest.detectors.keypoint_layouts import LAYOUTS, map_layout
from poseharvest.detectors.keypoints import KeypointDetector, KeypointOptions
from poseharvest.detectors.protocol import CroppedView, KeypointSource
from poseharvest.errors import DetectorError, FormatError
from poseharvest.geometry.crop import Crop
from poseharvest.heatmaps.maps import heatmap_peaks
from poseharvest.skeleton.definitions import COCO17, LSP14, MPII16
from poseharvest.skeleton.hands import HAND_JOINTS, HAND_ROOTS
from poseharvest.skeleton.human import BODY15, BODY19, BODY25, BODY25B, HALPE26

STANDING = {
    "nose": (0, -62), "left_eye": (3, -65), "right_eye": (-3, -65), "left_ear": (6, -64), "right_ear": (-6, -64),
    "head_top": (0, -80), "upper_neck": (0, -52), "thorax": (0, -45), "pelvis": (0, 0),
    "left_shoulder": (15, -45), "left_elbow": (25, -25), "left_wrist": (28, -3),
    "right_shoulder": (-15, -45), "right_elbow": (-25, -25), "right_wrist": (-28, -3),
    "left_hip": (9, 0), "left_knee": (10, 40), "left_ankle": (11, 80),
    "right_hip": (-9, 0), "right_knee": (-10, 40), "right_ankle": (-11, 80),
}  # fmt: skip


def place_of(name):
    """Feet lie on the ankles, fingers on the wrists, the face on the nose."""
    side = name.split("_", maxsplit=1)[0]
    if name in {*HAND_JOINTS, *HAND_ROOTS}:
        return STANDING[f"{side}_wrist"]
    part = {"left": "_ankle", "right": "_ankle"}
    return STANDING.get(name) or STANDING["nose" if side == "face" else side + part[side]]


def person(layout, x, y, score=0.8):
    """A standing person's rows."""
    places = [place_of(name) for name in LAYOUTS[layout]]
    return [value for px, py in places for value in (x + px, y + py, score)]


def write_openpose(folder, number, *people, name="cam1_{:012d}_keypoints.json"):
    folder.mkdir(parents=True, exist_ok=True)
    content = {"version": 1.3, "people": [{"pose_keypoints_2d": rows} for rows in people]}
    (folder / name.format(number)).write_text(json.dumps(content))


def view(name, frame, center=(300.0, 200.0), side=200.0):
    return CroppedView(name, frame, Crop(center, side), None)


@pytest.mark.parametrize(
    ("layout", "skeleton"),
    [
        ("body_25", BODY25),
        ("body_25b", BODY25B),
        ("openpose_coco18", BODY19),
        ("coco17", COCO17),
        ("halpe26", HALPE26),
        ("body_135", BODY25B),
        ("coco133", BODY25),
        ("halpe136", HALPE26),
        ("mpii16", MPII16),
    ],
)
def test_every_layout_is_recognised_and_lands_on_its_joints(tmp_path, layout, skeleton):
    write_openpose(tmp_path / "cam1_json", 4, person(layout, 310, 195))
    detector = KeypointDetector(tmp_path)
    assert detector.skeleton == skeleton
    assert not detector.needs_images
    maps = detector.detect([view("cam1", 4)])
    assert maps.shape == (1, len(skeleton), 64, 64)
    peaks = heatmap_peaks(maps, [Crop((300.0, 200.0), 200.0)])
    expected = torch.tensor([place_of(joint) for joint in skeleton.joints]) + torch.tensor([310.0, 195.0])
    assert (peaks.pixels[0] - expected).abs().max() < 0.01
    assert ((peaks.score <= 0.8 + 1e-6) & (peaks.score > 0.6)).all()


def test_easymocap_files_say_the_same_as_openpose_files(tmp_path):
    """Its person's box, number and hands are left out; a picture without anybody shows nobody."""
    rows = person("body_25", 310, 195)
    write_openpose(tmp_path / "openpose" / "cam1", 4, rows)
    folder = tmp_path / "easymocap" / "cam1"
    folder.mkdir(parents=True)
    triples = [rows[start : start + 3] for start in range(0, len(rows), 3)]
    one = {"bbox": [0, 0, 9, 9, 0.9], "personID": 3, "keypoints": triples, "handl2d": [[0, 0, 0]], "isKeyframe": False}
    for number, annots in ((4, [one]), (5, []), (6, [{**one, "keypoints": []}])):
        content = {"filename": f"images/cam1/{number:06d}.jpg", "height": 400, "width": 600, "annots": annots}
        (folder / f"{number:06d}.json").write_text(json.dumps(content))
    openpose, easymocap = (KeypointDetector(tmp_path / name) for name in ("openpose", "easymocap"))
    assert easymocap.skeleton == openpose.skeleton
    assert torch.equal(easymocap.people("cam1", 4)[0], openpose.people("cam1", 4)[0])
    assert easymocap.people("cam1", 5) == easymocap.people("cam1", 6) == []
    (folder / "000004.json").write_text(json.dumps({"annots": [{"keypoints": rows}]}))
    with pytest.raises(FormatError, match=r"000004\.json: expected keypoints as \[x, y, score\]"):
        KeypointDetector(tmp_path / "easymocap", KeypointOptions(layout="body_25")).people("cam1", 4)


def test_a_skeleton_may_be_chosen_if_the_files_fill_it(tmp_path):
    write_openpose(tmp_path / "cam1", 0, person("body_25b", 310, 195))
    assert KeypointDetector(tmp_path, KeypointOptions(skeleton="lsp14")).skeleton == LSP14
    write_openpose(tmp_path / "cam1", 0, person("body_25", 310, 195))
    with pytest.raises(DetectorError, match="skeleton lsp14 needs upper_neck, head_top, which the file lacks"):
        _ = KeypointDetector(tmp_path, KeypointOptions(skeleton="lsp14")).skeleton


def test_everybody_in_the_window_leaves_bumps(tmp_path):
    write_openpose(tmp_path / "cam1", 0, person("coco17", 260, 200), person("coco17", 340, 200, score=0.5))
    detector = KeypointDetector(tmp_path)
    nose = detector.detect([view("cam1", 0)])[0, 0]
    assert float(nose[:, :32].max()) > 0.7
    assert 0.4 < float(nose[:, 32:].max()) < 0.51
    people = detector.people("cam1", 0)
    assert [tuple(p[0].tolist()) for p in people] == [(260, 138, 0.8), (340, 138, 0.5)]
    assert isinstance(detector, KeypointSource)


def test_joints_not_found_and_frames_without_a_file_are_flat(tmp_path):
    rows = person("coco17", 300, 200)
    rows[:3] = [0, 0, 0]
    write_openpose(tmp_path / "cam1", 0, rows)
    maps = KeypointDetector(tmp_path).detect([view("cam1", 0, center=(0.0, 0.0)), view("cam1", 1)])
    assert maps[0, 0].abs().max() == 0
    assert maps[1].abs().max() == 0
    assert KeypointDetector(tmp_path).people("cam1", 1) == []


def test_the_frame_offset_is_added_to_the_files_number(tmp_path):
    write_openpose(tmp_path / "cam1", 7, person("coco17", 300, 200))
    detector = KeypointDetector(tmp_path, KeypointOptions(frame_offset=1))
    assert len(detector.people("cam1", 8)) == 1
    assert detector.people("cam1", 7) == []


def test_coco_data_sets_name_their_joints_and_flag_visibility(tmp_path):
    names = ["left_hip", *(name for name in COCO17.joints if name != "left_hip")]
    rows = np.array(person("coco17", 300, 200)).reshape(-1, 3)[[COCO17.index(name) for name in names]]
    rows[:, 2] = 2
    rows[0, 2] = 1
    content = {
        "images": [{"id": 51, "file_name": "a/frame_0003.png"}, {"id": 52, "file_name": "a/frame_0004.png"}],
        "annotations": [{"image_id": 51, "keypoints": rows.flatten().tolist()}],
        "categories": [{"name": "person", "keypoints": names}],
    }
    (tmp_path / "cam1.json").write_text(json.dumps(content))
    detector = KeypointDetector(tmp_path)
    assert detector.skeleton == COCO17
    found = detector.people("cam1", 3)[0]
    assert found[COCO17.index("left_hip")].tolist() == [309, 200, 1]
    assert detector.people("cam1", 4) == []


def test_coco_results_have_scores(tmp_path):
    results = [{"image_id": "cam1/000012", "keypoints": person("coco17", 300, 200, score=1.7), "score": 0.9}]
    (tmp_path / "cam1.json").write_text(json.dumps(results))
    assert float(KeypointDetector(tmp_path).people("cam1", 12)[0][:, 2].max()) == 1.0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected JSON, got"),
        ("[]", "expected OpenPose's people, got list"),
        ('{"people": [{"face": []}]}', 'expected a record with "pose_keypoints_2d"'),
        ('{"people": [{"pose_keypoints_2d": [1, 2]}]}', "expected keypoints as x, y, score of every joint"),
        ('{"people": [{"pose_keypoints_2d": ["a", 2, 3]}]}', "expected keypoints as x, y, score of every joint"),
    ],
)
def test_damaged_files_are_named(tmp_path, content, message):
    write_openpose(tmp_path / "cam1", 0, person("coco17", 300, 200))
    (tmp_path / "cam1" / "cam1_1_keypoints.json").write_text(content)
    detector = KeypointDetector(tmp_path, KeypointOptions(layout="coco17"))
    with pytest.raises(FormatError, match=rf"cam1_1_keypoints.json: {message}"):
        detector.people("cam1", 1)


def test_infinite_places_count_as_not_found(tmp_path):
    rows = person("coco17", 300, 200)
    rows[0] = float("nan")
    write_openpose(tmp_path / "cam1", 0, rows)
    assert KeypointDetector(tmp_path).people("cam1", 0)[0][0].tolist() == [0, 0, 0]


def test_folders_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(DetectorError, match="gone: expected a folder of keypoint files"):
        KeypointDetector(tmp_path / "gone")
    with pytest.raises(DetectorError, match="one folder or file of keypoints a view, got nothing"):
        _ = KeypointDetector(tmp_path).skeleton
    write_openpose(tmp_path / "cam1", 0, person("coco17", 300, 200))
    with pytest.raises(DetectorError, match=r'view "cam9": expected a folder "cam9" or "cam9_json" .* got cam1'):
        KeypointDetector(tmp_path).people("cam9", 0)
    with pytest.raises(DetectorError, match=r'layout: expected one of body_25, .* got "body"'):
        KeypointDetector(tmp_path, KeypointOptions(layout="body")).people("cam1", 0)
    write_openpose(tmp_path / "cam1", 0, person("coco17", 300, 200), name="other_{:d}.json")
    with pytest.raises(FormatError, match="expected names that differ in their frame number alone, got cam1_0"):
        KeypointDetector(tmp_path).people("cam1", 0)


def test_another_number_of_joints_is_named(tmp_path):
    write_openpose(tmp_path / "cam1", 0, person("coco17", 300, 200))
    write_openpose(tmp_path / "cam2", 0, person("body_25", 300, 200))
    with pytest.raises(DetectorError, match='view "cam2", picture 0: expected 17 keypoints a person, got 25'):
        KeypointDetector(tmp_path).people("cam2", 0)


def test_middles_have_the_lower_score():
    layout = map_layout(COCO17.joints, BODY15, source="file")
    rows = torch.tensor(person("coco17", 0, 0), dtype=torch.float64).view(-1, 3)
    rows[COCO17.index("left_hip"), 2] = 0.3
    pelvis = layout.joints(rows)[BODY15.index("pelvis")]
    assert pelvis.tolist() == [0, 0, 0.3]


@pytest.mark.data
def test_openpose_files_of_a_real_capture_are_recognised(shared_dir):
    detector = KeypointDetector(shared_dir / "captures" / "balance" / "openpose", KeypointOptions(frame_offset=1))
    assert detector.skeleton == BODY25B
    people = detector.people("cam01", 1)
    head, pelvis = (people[0][BODY25B.index(joint)] for joint in ("head_top", "pelvis"))
    assert float(head[1]) < float(pelvis[1])
    maps = detector.detect([view("cam01", 1, center=(430.0, 720.0), side=1000.0), view("cam01", 0)])
    assert maps[0].amax((1, 2)).median() > 0.2
    assert maps[1].abs().max() == 0
