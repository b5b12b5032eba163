from __future__ import annotations

import numpy as np
import pytest

from poseharvest.errors import CaptureError, ConfigError, FormatError, SkeletonError
from poseharvest.skeleton.definitions import MPII16
from poseharvest.studio import CaptureOptions, bvh_performance, read_bvh, read_bvh_names, studio_capture
from poseharvest.studio.kinematics import POINTS

CHAIN = """HIERARCHY
ROOT base
{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT arm
  {
    OFFSET 0 10 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 5 0
    }
  }
}
MOTION
Frames: 3
Frame Time: 0.05
0 0 0 0 0 0 0 0 0
7 8 9 90 0 0 0 0 0
0 0 0 0 90 0 90 0 0
"""


def person(names: dict[str, str] | None = None) -> str:
    """A figure of 17 joints, centimetres, y up, facing +z, that lifts its left arm in 11 frames."""
    tree = {
        "Hips": ("", (0, 90, 0)),
        "Neck": ("Hips", (0, 50, 0)),
        "Head": ("Neck", (0, 10, 0)),
    }
    for side, x in (("Left", 1), ("Right", -1)):
        tree |= {
            f"{side}UpLeg": ("Hips", (10 * x, 0, 0)),
            f"{side}Leg": (f"{side}UpLeg", (0, -42, 0)),
            f"{side}Foot": (f"{side}Leg", (0, -42, 0)),
            f"{side}ToeBase": (f"{side}Foot", (0, -4, 15)),
            f"{side}Arm": ("Neck", (18 * x, -2, 0)),
            f"{side}ForeArm": (f"{side}Arm", (0, -28, 0)),
            f"{side}Hand": (f"{side}ForeArm", (0, -25, 0)),
        }
    names = names or {}

    def joint(name: str, depth: int) -> str:
        parent, offset = tree[name]
        kind = "JOINT" if parent else "ROOT"
        channels = "6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"
        channels = "3 Zrotation Xrotation Yrotation" if parent else channels
        children = [joint(child, depth + 1) for child, (above, _) in tree.items() if above == name]
        inside = "".join(children) or "End Site\n{\nOFFSET 0 20 0\n}\n"
        place = " ".join(map(str, offset))
        return f"{kind} {names.get(name, name)}\n{{\nOFFSET {place}\nCHANNELS {channels}\n{inside}}}\n"

    hierarchy = joint("Hips", 0)
    columns = hierarchy.count("JOINT") * 3 + 6
    order = [line.split()[1] for line in hierarchy.splitlines() if line.startswith(("ROOT", "JOINT"))]
    rows = np.zeros((11, columns))
    rows[:, 1] = 90
    lifted = 6 + 3 * (order.index(names.get("LeftArm", "LeftArm")) - 1)
    rows[:, lifted + 1] = -np.linspace(0, 90, 11)  # about x, so that the arm swings forward
    motion = "\n".join(" ".join(map(str, row)) for row in rows)
    return f"HIERARCHY\n{hierarchy}MOTION\nFrames: 11\nFrame Time: 0.1\n{motion}\n"


@pytest.fixture
def write(tmp_path):
    def make(text: str, name: str = "clip.bvh"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return make


def test_a_chain_can_be_checked_by_hand(write):
    clip = read_bvh(write(CHAIN))
    assert [joint.name for joint in clip.joints] == ["base", "arm", "arm.end"]
    assert clip.duration_s == pytest.approx(0.1)
    places = clip.positions()
    np.testing.assert_allclose(places["base"], [(0, 0, 0), (7, 8, 9), (0, 0, 0)], atol=1e-12)
    np.testing.assert_allclose(places["arm"], [(0, 10, 0), (-3, 8, 9), (0, 0, 10)], atol=1e-12)
    # Turned about x by 90 degrees and then, in its own axes, about z by 90: up becomes left.
    np.testing.assert_allclose(places["arm.end"], [(0, 15, 0), (-8, 8, 9), (-5, 0, 10)], atol=1e-12)


def test_a_person_becomes_millimetres_with_its_feet_on_the_floor(write):
    performance = bvh_performance(write(person()))
    points = performance.points(np.array([0.0, 0.95, 1.0]))
    at = {name: points[:, i] for i, name in enumerate(POINTS)}
    np.testing.assert_allclose(at["left_toe"][0, 2], 26, atol=1e-9)
    np.testing.assert_allclose(at["left_hip"][0] - at["right_hip"][0], (200, 0, 0), atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(at["left_knee"] - at["left_ankle"], axis=-1), 420)
    assert at["left_toe"][0, 1] < at["left_ankle"][0, 1] - 50  # +z of the file is -y of a world with z up
    assert at["nose"][0, 1] < at["upper_neck"][0, 1] - 50
    np.testing.assert_allclose(at["left_elbow"][2] - at["left_shoulder"][2], (0, -280, 0), atol=1e-9)
    between = 0.5 * (bvh_performance(write(person())).points(np.array([0.9, 1.0])).sum(0))
    np.testing.assert_allclose(points[1], between, atol=1e-9)
    assert performance.shape.stature_mm == pytest.approx(1700, abs=100)


def test_other_names_are_said_in_toml(write):
    path = write(person({"LeftUpLeg": "Oberschenkel"}))
    with pytest.raises(SkeletonError, match=r"expected a joint for left_hip \(LeftUpLeg or .*\), the file has Hips"):
        bvh_performance(path)
    names = read_bvh_names(write('left_hip = "Oberschenkel"', "names.toml"))
    points = bvh_performance(path, names=names).points(np.zeros(1))
    np.testing.assert_allclose(points, bvh_performance(write(person())).points(np.zeros(1)))


def test_a_clip_is_filmed_like_any_action(write, small_rig):
    motion = bvh_performance(write(person()))
    options = CaptureOptions(small_rig, frame_rate=10.0)
    shoot = studio_capture("generic", 1, motion, 11, 0, options)
    np.testing.assert_allclose(shoot.truth.positions[3], motion.points(np.array([0.3]))[0, : len(MPII16)])
    assert next(shoot.capture.frames(10)).images[1].shape == (120, 160, 3)
    with pytest.raises(CaptureError, match=r"clip.bvh: expected times up to its end at 1.00 s, got 1.10 s"):
        studio_capture("generic", 1, motion, 12, 0, options)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("HIERARCHY", "HIERARCHIE", 'line 1: expected HIERARCHY, got "HIERARCHIE"'),
        ("OFFSET 0 10 0", "OFFSET 0 ten 0", 'line 8: expected 3 numbers for OFFSET, got "0 ten 0"'),
        ("CHANNELS 3 Z", "CHANNELS 2 Z", r'line 9: expected the number of channels .* got "2 Zrotation'),
        ("3 Zrotation", "3 Wrotation", r'line 9: expected the number of channels .* got "3 Wrotation'),
        ("JOINT arm", "JOINT base", 'line 6: expected a joint name that is not taken, got "base"'),
        ("JOINT arm", "LIMB arm", 'line 6: expected JOINT, End Site or }, got "LIMB arm"'),
        ("Frames: 3", "Frames: 4", "line 21: expected 4 rows of channels, got the end of the file"),
        ("Frames: 3", "Frames: 0", "expected at least one frame and a positive frame time, got 0 frames of 0.05 s"),
        ("7 8 9 90", "7 8 nan 90", "line 20: expected 9 numbers for the channels"),
        ("7 8 9 90", "7 8 9", r"line 20: expected 9 numbers for the channels, got .*\(8 words\)"),
    ],
)
def test_damage_is_named_with_its_line(write, old, new, message):
    with pytest.raises(FormatError, match=message):
        read_bvh(write(CHAIN.replace(old, new, 1)))


def test_a_body_whose_limbs_vanish_beside_its_place_is_refused(write):
    far = person().replace("0.0 90.0 0.0", "0.0 9e50 0.0")  # where the hips are, in every frame
    with pytest.raises(
        FormatError, match=r"clip.bvh: expected a body whose limbs have lengths, got none of thigh, shank, torso"
    ):
        bvh_performance(write(far))


def test_wrong_options_are_named(write, tmp_path):
    path = write(person())
    with pytest.raises(ConfigError, match=r"names: expected points among right_ankle.*, got tail"):
        bvh_performance(path, names={"tail": "Hips"})
    with pytest.raises(ConfigError, match='up: expected y or z, got "x"'):
        bvh_performance(path, up="x")
    with pytest.raises(FormatError, match="expected a BVH text file, it cannot be read"):
        read_bvh(tmp_path / "none.bvh")
    with pytest.raises(FormatError, match='key "left_hip": expected the name of a joint, got 3'):
        read_bvh_names(write("left_hip = 3", "bad.toml"))
    with pytest.raises(FormatError, match="expected TOML with a joint for each point"):
        read_bvh_names(write("left_hip", "bad.toml"))
