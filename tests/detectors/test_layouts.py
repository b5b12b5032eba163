"""Simulated people in the rows of every layout: the right one is named or none."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from layout_kit import in_layout, random_look, simulated_joints
from poseharvest.detectors.keypoint_layouts import LAYOUTS
from poseharvest.detectors.layout_choice import LayoutWish, choose_rows
from poseharvest.detectors.layout_fit import LEAST_MARGIN, check_layout, misfits, recognise_layout
from poseharvest.errors import DetectorError, FormatError

LEGS = ("knee", "ankle", "heel", "toe")
NAMES = tuple(LAYOUTS)


def people_in(layout, seed, num=6, *, noise_px=2.0, stature_mm=1700.0, hidden=0.0, cut=()):
    """Return (2 * num, K, 3): a person at `num` moments before two cameras that stand anyhow."""
    generator = torch.Generator().manual_seed(seed)
    named = simulated_joints(seed, num, stature_mm=stature_mm)
    pixels = torch.cat([in_layout(LAYOUTS[layout], named, random_look(seed + 1000 * view)) for view in range(2)])
    pixels = pixels + noise_px * torch.randn(pixels.shape, generator=generator, dtype=torch.float64)
    score = 0.4 + 0.5 * torch.rand(pixels.shape[:2], generator=generator, dtype=torch.float64)
    score[torch.rand(score.shape, generator=generator) < hidden] = 0
    score[:, [any(part in joint for part in cut) for joint in LAYOUTS[layout]]] = 0
    people = torch.cat([pixels, score.unsqueeze(-1)], -1)
    people[score == 0] = 0
    return people


def told(people):
    try:
        return recognise_layout(people, source="files").layout
    except DetectorError:
        return None


@pytest.mark.parametrize("layout", NAMES)
def test_every_layout_is_told_from_a_few_people(layout):
    people = people_in(layout, seed=3)
    found = recognise_layout(people, source="files")
    assert found.layout == layout
    assert found.num_people == len(people)
    assert f"read as {layout}" in found.finding.message
    assert found.finding.severity == "note"
    assert all(other >= found.misfit + LEAST_MARGIN for other in found.others.values())


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(NAMES),
    st.integers(0, 10_000),
    st.integers(1, 8),
    st.sampled_from((1.0, 4.0, 8.0)),
    st.floats(850.0, 2150.0),
    st.sampled_from((0.0, 0.2, 0.5)),
    st.sampled_from(((), LEGS, (*LEGS, "hip", "pelvis"))),
)
def test_no_layout_is_taken_for_another(layout, seed, num, noise_px, stature_mm, hidden, cut):
    people = people_in(layout, seed, num, noise_px=noise_px, stature_mm=stature_mm, hidden=hidden, cut=cut)
    assert told(people) in (layout, None)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 10_000), st.floats(0.01, 1.0))
def test_neither_a_mirror_nor_the_scale_of_scores_changes_the_choice(layout, seed, factor):
    people = people_in(layout, seed)
    mirrored = people * torch.tensor([-1.0, 1.0, factor], dtype=torch.float64) + torch.tensor([900.0, 0.0, 0.0])
    joints = LAYOUTS[layout]
    torch.testing.assert_close(misfits(mirrored, joints), misfits(people, joints), equal_nan=True)
    assert told(mirrored) == told(people)


@pytest.mark.parametrize("layout", [name for name in NAMES if len(LAYOUTS[name]) < 40])
def test_rows_in_an_order_that_is_no_layout_are_refused(layout):
    people = people_in(layout, seed=5)
    order = torch.randperm(people.shape[1], generator=torch.Generator().manual_seed(2))
    with pytest.raises(DetectorError, match=f"{len(order)} keypoints: cannot tell the layout; give layout= one of"):
        recognise_layout(people[:, order], source="files")
    finding = check_layout(people[:, order], LAYOUTS[layout], layout)
    assert finding is not None
    assert (finding.severity, layout in finding.message) == ("warning", True)
    assert check_layout(people, LAYOUTS[layout], layout) is None


def test_what_cannot_be_told_is_asked_for():
    with pytest.raises(DetectorError, match=r"21 keypoints: cannot tell the layout; give layout= .* that many rows"):
        recognise_layout(torch.ones(1, 21, 3), source="hands")
    blind = torch.zeros(3, 25, 3)
    blind[:, :4, 2] = 1
    with pytest.raises(DetectorError, match="too little is seen of everybody"):
        recognise_layout(blind, source="files")
    with pytest.raises(DetectorError, match=r"nobody in any view, .* give layout= one of body_25"):
        choose_rows(LayoutWish(), [], source="files")


def test_what_was_said_is_checked_against_the_people():
    people = list(people_in("body_25b", seed=7))
    wrong = choose_rows(LayoutWish(layout="body_25"), people, source="files")
    assert "people do not look like people under the rows of body_25" in wrong.findings[0].message
    assert choose_rows(LayoutWish(layout="body_25b"), people, source="files").findings == ()
    with pytest.raises(DetectorError, match="layout coco17: expected 17 keypoints a person, got 25"):
        choose_rows(LayoutWish(layout="coco17"), people, source="files")
    with pytest.raises(DetectorError, match=r'expected one of body_25, .* got "body25b"; did you mean "body_25b"\?'):
        choose_rows(LayoutWish(layout="body25b"), people, source="files")


def test_rows_that_no_skeleton_holds_are_named():
    chosen = choose_rows(LayoutWish(), list(people_in("coco133", seed=1)), source="files")
    assert chosen.map.skeleton.name == "body25"
    assert "110 rows of coco133 are no joints of skeleton body25" in chosen.findings[-1].message


FILE = """
name = "lab"
joints = ["nose", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", ""]
"""


def test_a_layout_file_names_the_rows_of_a_person(tmp_path):
    path = tmp_path / "lab.toml"
    path.write_text(FILE)
    chosen = choose_rows(LayoutWish(layout=str(path)), [], source="files")
    assert chosen.map.skeleton.root == "thorax"
    assert chosen.map.skeleton.name == "lab"
    rows = torch.arange(24.0).view(8, 3)
    assert chosen.map.joints(rows)[chosen.map.skeleton.index("left_wrist")].tolist() == rows[5].tolist()
    assert chosen.map.joints(rows)[chosen.map.skeleton.index("thorax"), :2].tolist() == rows[1:3, :2].mean(0).tolist()


@pytest.mark.parametrize("layout", NAMES)
def test_joints_are_rows_or_the_middles_of_two_rows(layout):
    chosen = choose_rows(LayoutWish(layout=layout), [], source="files")
    rows = torch.rand(len(LAYOUTS[layout]), 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    joints = chosen.map.joints(rows)
    assert joints.shape == (len(chosen.map.skeleton), 3)
    for joint, numbers in zip(joints, chosen.map.rows, strict=True):
        own = rows[list(numbers)]
        assert joint.tolist() == [*own[:, :2].mean(0).tolist(), float(own[:, 2].min())]


def test_a_layout_file_with_limbs_may_name_any_joints(tmp_path):
    path = tmp_path / "dog.toml"
    path.write_text(
        'name = "dog"\njoints = ["withers", "", "tail", "paw"]\nlimbs = [["withers", "tail"], ["withers", "paw"]]\n'
    )
    chosen = choose_rows(LayoutWish(layout=str(path)), [torch.ones(4, 3)], source="files")
    assert chosen.map.skeleton.joints == ("withers", "tail", "paw")
    assert chosen.map.rows == ((0,), (2,), (3,))


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("left_elbow", "left_elbo", DetectorError, 'joint "left_elbo": expected one of .* did you mean "left_elbow"'),
        ("left_elbow", "nose", DetectorError, "expected the rows' names, each once, got nose"),
        ('"left_elbow", ', "", DetectorError, "nothing to hang left_wrist from"),
        ("name =", "nmae =", FormatError, 'key "nmae": expected one of .* did you mean "name"'),
        ("name =", 'flip_pairs = [["nose", "nose"]]\nname =', FormatError, "flip_pairs.*expected limbs with it"),
    ],
)
def test_a_wrong_layout_file_is_named(tmp_path, old, new, error, message):
    path = tmp_path / "lab.toml"
    path.write_text(FILE.replace(old, new))
    with pytest.raises(error, match=f"{message}"):
        choose_rows(LayoutWish(layout=str(path)), [], source="files")
    with pytest.raises(FormatError, match="cannot be read"):
        choose_rows(LayoutWish(layout=str(tmp_path / "gone.toml")), [], source="files")


DOG = 'name = "dog"\njoints = ["withers", "tail", "paw"]\nlimbs = [["withers", "tail"], ["withers", "paw"]]\n'
ARM = """
name = "arm"
joints = ["right_wrist", "right_elbow", "right_shoulder"]
limbs = [["right_shoulder", "right_elbow"], ["right_elbow", "right_wrist"]]
"""


@pytest.mark.parametrize("people", [[], [torch.ones(3, 3)]])
def test_a_skeleton_file_names_as_many_rows_as_it_has_joints(tmp_path, people):
    path = tmp_path / "dog.toml"
    path.write_text(DOG)
    chosen = choose_rows(LayoutWish(skeleton=str(path)), people, source="files")
    assert chosen.rows == chosen.map.skeleton.joints == ("withers", "tail", "paw")
    assert chosen.map.rows == ((0,), (1,), (2,))


def test_a_skeleton_file_is_filled_from_files_that_name_their_rows(tmp_path):
    path = tmp_path / "dog.toml"
    path.write_text(DOG)
    wish = LayoutWish(skeleton=str(path), joints=("paw", "ear", "withers", "tail"))
    chosen = choose_rows(wish, [torch.ones(4, 3)], source="files")
    assert chosen.map.rows == ((2,), (3,), (0,))


@pytest.mark.parametrize("layout", [None, "coco17"])
def test_a_skeleton_file_takes_its_joints_by_name_from_another_layout(tmp_path, layout):
    path = tmp_path / "arm.toml"
    path.write_text(ARM)
    people = list(people_in("coco17", seed=1))
    chosen = choose_rows(LayoutWish(layout=layout, skeleton=str(path)), people, source="files")
    assert chosen.rows == LAYOUTS["coco17"]
    assert chosen.map.skeleton.name == "arm"
    assert [LAYOUTS["coco17"][row] for (row,) in chosen.map.rows] == list(chosen.map.skeleton.joints)


def test_a_skeleton_file_that_the_rows_cannot_fill_is_named(tmp_path):
    path = tmp_path / "dog.toml"
    path.write_text(DOG)
    with pytest.raises(DetectorError, match="skeleton dog needs withers, tail, paw, which the file lacks"):
        choose_rows(LayoutWish(skeleton=str(path)), list(people_in("coco17", seed=1)), source="files")
    with pytest.raises(FormatError, match=r"gone\.toml: cannot be read"):
        choose_rows(LayoutWish(skeleton=str(tmp_path / "gone.toml")), [], source="files")
