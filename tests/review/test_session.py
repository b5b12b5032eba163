"""A review: the list, a joint in every view, and what a dragged pixel does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from poseharvest.annotations.reselect import reselect
from poseharvest.errors import CaptureError, FormatError, StoreError
from poseharvest.geometry.rig import project_all
from poseharvest.review.session import ReviewOptions, ReviewSession
from poseharvest.review.worst_joints import NUM_STRETCHES, JointSigmas
from poseharvest.selection.rules import SelectionRule

WRIST = {"frame": 23, "person": 1, "joint": "left_wrist"}


def test_the_list_is_worst_first_and_not_all_of_one_moment(harvest, session):
    listed = session.queue(None)["joints"]
    sigmas = [one["sigma_mm"] for one in listed]
    assert len(listed) == 80
    assert sigmas == sorted(sigmas, reverse=True)
    rows = [(row.annotations, row.sigma_mm) for row in harvest.iter_selected()]
    assert sigmas[0] == pytest.approx(max(float(sigma.max()) for _, sigma in rows), abs=0.01)
    places = [(one["person"], one["joint"], one["frame"] // (40 // NUM_STRETCHES)) for one in listed]
    assert len(set(places)) == len(places)


def test_the_list_of_one_joint_has_every_frame(harvest, session):
    listed = session.queue("right_wrist")["joints"]
    assert {one["joint"] for one in listed} == {"right_wrist"}
    assert len(listed) == 78  # of 40 frames with two persons; in one frame the wrist is not supported
    sigmas = JointSigmas.of(harvest)
    with_it = sigmas.worst(200, joint="right_wrist", with_unsupported=True)
    assert {(one.place[0], one.is_supported) for one in with_it if not one.is_supported} == {(5, False)}


def test_a_joint_lies_in_every_view_where_the_harvest_has_it(harvest, session):
    row = next(row for row in harvest.iter_selected() if (row.annotations.frame, row.annotations.person) == (23, 1))
    shown = session.moment((23, 1, "left_wrist"))
    for view in range(4):
        seen = project_all(harvest.rig.at(23), row.annotations.mean).pixels[view]
        assert np.allclose(shown["views"][view]["points"], seen.numpy(), atol=0.01)
    joint = harvest.skeleton.index("left_wrist")
    assert shown["sigma_mm"] == pytest.approx(float(row.sigma_mm[joint]), abs=0.01)


def test_a_dragged_joint_follows_and_moves_in_the_other_views(harvest, session):
    joint = harvest.skeleton.index("left_wrist")
    before = session.moment((23, 1, "left_wrist"))
    x, y = before["views"][0]["points"][joint]
    after = session.preview({**WRIST, "pixels": {"cam01": [x + 40, y - 25]}})
    assert np.hypot(*np.subtract(after["views"][0]["points"][joint], (x + 40, y - 25))) < 3
    for view in (1, 2, 3):
        assert np.hypot(*np.subtract(after["views"][view]["points"][joint], before["views"][view]["points"][joint])) > 5
    assert session.moment((23, 1, "left_wrist")) == before


def test_what_is_shown_after_a_move_is_what_the_export_gets(harvest, session):
    joint = harvest.skeleton.index("left_wrist")
    shown = session.decide({**WRIST, "decision": "move", "pixels": {"cam01": [210.0, 180.0], "cam03": [260.0, 170.0]}})
    rows = harvest.with_reviews().iter_selected()
    row = next(row for row in rows if (row.annotations.frame, row.annotations.person) == (23, 1))
    for view in range(4):
        assert np.allclose(shown["views"][view]["points"][joint], row.annotations.pixels[view, joint], atol=0.01)
    assert shown["sigma_mm"] == pytest.approx(float(row.sigma_mm[joint]), abs=0.01)
    assert bool(row.selected[joint])


def test_a_contradiction_is_named_and_may_be_written_all_the_same(session):
    apart = {"cam01": [100.0, 60.0], "cam02": [400.0, 300.0], "cam04": [30.0, 330.0]}
    shown = session.preview({**WRIST, "pixels": apart})
    assert "contradicts the other views" in shown["warning"]
    assert session.decide({**WRIST, "decision": "move", "pixels": apart})["warning"] == shown["warning"]


def test_undo_takes_back_the_last_decision_whichever_it_was(session):
    for joint, decision in (("pelvis", "accept"), ("head_top", "reject"), ("pelvis", "reject")):
        session.decide({**WRIST, "joint": joint, "decision": decision})
    assert [(one["joint"], one["decision"]) for one in (session.undo(), session.undo(), session.undo())] == [
        ("pelvis", "accept"),
        ("head_top", None),
        ("pelvis", None),
    ]
    with pytest.raises(FormatError, match="no decision to take back"):
        session.undo()


def test_a_harvest_that_is_replaced_meanwhile_gets_no_decision(harvest, session):
    reselect(harvest, SelectionRule(share=0.5))
    with pytest.raises(StoreError, match="was replaced since the review began"):
        session.decide({**WRIST, "decision": "reject"})
    assert session.reviews.standing == {}


def test_there_is_one_review_of_a_harvest(harvest, session):
    with pytest.raises(StoreError, match="is being written by process"):
        ReviewSession(harvest, ReviewOptions())


def test_without_footage_the_drawing_is_shown_and_says_why(harvest, session, tmp_path):
    assert "synthetic capture" in session.facts["missing"]
    assert session.pictures.jpeg(12, 0) == harvest.preview(12, "cam01").read_bytes()
    assert session.pictures.jpeg(13, 0) is None
    session.__exit__()
    with pytest.raises(CaptureError):
        ReviewSession(harvest, ReviewOptions(capture=tmp_path / "none"))
    with ReviewSession(harvest, ReviewOptions()):
        pass  # the failed one has left no lock


def test_records_are_found_in_every_part(harvest, session):
    for row in harvest.iter_selected():
        found = session._moments.record(row.annotations.frame, row.annotations.person)
        assert torch.equal(found.annotations.mean, row.annotations.mean)
