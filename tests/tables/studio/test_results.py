from __future__ import annotations

import math

import numpy as np
import pytest

from poseharvest.errors import StoreError
from poseharvest.selection.rules import SelectionRule
from poseharvest.tables.paper import AVERAGE, AVERAGE_6
from poseharvest.tables.studio.judged_poses import JudgedPoses, mean_of, read_judged, spread_of, write_judged
from poseharvest.tables.studio.results import (
    ALL_ACTIONS,
    CENTRED,
    IN_WORLD,
    SELECTED,
    Results,
    Run,
    kept_share,
    selected_together,
    together,
)
from poseharvest.tables.studio.study import Network
from poseharvest.tables.studio.verdicts import findings_of, gain_percent

RUNS = (Run(1, 0), Run(2, 0))


def poses(error, *, centred=None, selected=None, det=None, num_frames=3):
    shape = (num_frames, 2)
    error_mm = np.broadcast_to(np.asarray(error, dtype=float), shape).copy()
    return JudgedPoses(
        np.arange(num_frames),
        error_mm,
        error_mm if centred is None else np.full(shape, float(centred)),
        np.broadcast_to(np.asarray(1.0 if det is None else det, dtype=float), shape).copy(),
        np.broadcast_to(np.asarray(True if selected is None else selected), shape).copy(),
    )


def results(table):
    """Results of two runs, the second 10 mm worse; {network: {action: error}}."""
    actions = tuple(next(iter(table.values())))
    cells = {
        (run, network, action): poses(error + 10 * n)
        for n, run in enumerate(RUNS)
        for network, errors in table.items()
        for action, error in errors.items()
    }
    return Results(actions, RUNS, cells)


GOOD = results({
    Network.GENERIC: {"Walking": 50, "Sitting": 100},
    Network.HM: {"Walking": 48, "Sitting": 90},
    Network.HM_SEL: {"Walking": 47, "Sitting": 88},
    Network.PS: {"Walking": 44, "Sitting": 80},
    Network.PS_SEL: {"Walking": 40, "Sitting": 70},
})


def test_means_and_spreads_are_over_runs_and_the_average_over_actions():
    assert GOOD.by_run(Network.GENERIC, "Walking", CENTRED) == [50, 60]
    assert GOOD.mean(Network.GENERIC, AVERAGE, CENTRED).value == pytest.approx((75 + 85) / 2)
    assert GOOD.spread(Network.GENERIC, AVERAGE, CENTRED).value == pytest.approx(np.std([75, 85], ddof=1))
    assert GOOD.mean(Network.GENERIC, AVERAGE_6, CENTRED).value == 55, "of the six, Walking alone is there"
    assert "mean over 2 runs, mean over 2 actions" in GOOD.mean(Network.PS, AVERAGE, CENTRED).protocol.details


def test_the_hardest_actions_are_those_of_the_generic_network():
    assert GOOD.hardest(1) == ("Sitting",)
    assert GOOD.hardest(3) == ("Walking", "Sitting")


def test_an_action_in_which_nobody_was_found_is_left_out_of_the_average():
    cells = {**GOOD.poses, (RUNS[0], Network.PS, "Sitting"): poses(0, num_frames=0)}
    missing = Results(GOOD.actions, RUNS, cells)
    assert missing.by_run(Network.PS, AVERAGE, CENTRED) == [44, pytest.approx((54 + 90) / 2)]
    assert any("not all networks found somebody" in note for note in findings_of(missing, missing))


def test_the_verdict_is_yes_where_the_order_is_the_paper_s():
    notes = findings_of(GOOD, GOOD)
    assert sum(": yes, " in note for note in notes) == 4
    assert "PS+sel below HM+sel: yes, 60.0 against 72.5 mm, in 2 of 2 runs" in notes


def test_the_verdict_is_no_where_it_is_not():
    cells = {key: poses(10 if key[1] == Network.HM_SEL else 50) for key in GOOD.poses}
    assert "PS+sel below HM+sel: NO, 50.0 against 10.0 mm, in 0 of 2 runs" in findings_of(
        Results(GOOD.actions, RUNS, cells), GOOD
    )


def test_a_loss_is_called_one():
    cells = {key: poses(110 if key[1] == Network.PS_SEL else 100) for key in GOOD.poses}
    notes = findings_of(Results(GOOD.actions, RUNS, cells), GOOD)
    assert any(note.startswith("PS+sel lies 10.0 % ABOVE Generic on average, and 10.0 % ABOVE on") for note in notes)
    assert any("below Generic on average" in note for note in findings_of(GOOD, GOOD))


def test_the_gain_is_told_of_the_means_and_of_the_runs():
    gain = gain_percent(GOOD, Network.PS_SEL, ("Sitting",))
    assert gain.of_means == pytest.approx(100 * (1 - (70 + 80) / (100 + 110)))
    assert gain.of_runs == pytest.approx(np.mean([100 * (100 - 70) / 100, 100 * (110 - 80) / 110]))
    nothing = Results(GOOD.actions, RUNS, {key: poses(np.nan) for key in GOOD.poses})
    assert np.isnan(gain_percent(nothing, Network.PS_SEL, ("Sitting",)).of_means)


def test_selection_is_judged_in_every_action():
    chosen = np.array([[True, False]] * 3)
    helped = poses([10.0, 30.0], selected=chosen)
    assert (SELECTED.of(helped), IN_WORLD.of(helped)) == (10, 20)
    one = {(RUNS[0], Network.GENERIC, action): helped for action in ("Walking", "Sitting")}
    whole = Results(("Walking", "Sitting"), RUNS[:1], one)
    assert any(note.endswith("all joints in every action") for note in findings_of(whole, whole))
    one[RUNS[0], Network.GENERIC, "Sitting"] = poses([30.0, 10.0], selected=chosen)
    assert any(note.endswith("all joints but NOT in Sitting") for note in findings_of(whole, whole))


def test_what_the_determinant_is_worth_is_said():
    rising = np.arange(20.0).reshape(10, 2)
    for det, curve, rho in ((rising, "yes, from 10 mm of all to 1 mm", "1.00"), (-rising, "NO", "-1.00")):
        take = poses(rising + 0.1, det=det, num_frames=10)
        whole = Results(("Walking",), RUNS[:1], {(RUNS[0], Network.GENERIC, "Walking"): take})
        notes = findings_of(whole, whole)
        assert any(f"at every tenth: {curve}" in note for note in notes), notes
        assert any(f"correlation of {rho} over all actions" in note for note in notes), notes


def test_the_share_that_is_kept_is_of_every_joint_the_most_certain():
    judged = poses([[1, 10], [2, 20], [3, 30]], det=[[1, 3], [2, 2], [3, 1]])
    assert judged.mean_at(1 / 3) == pytest.approx((1 + 30) / 2)
    assert judged.mean_at(1.0) == pytest.approx(11)


def test_numbers_that_are_not_known_are_left_out():
    assert mean_of(np.array([1.0, math.nan, 3.0])) == 2
    assert math.isnan(mean_of(np.array([math.nan])))
    assert math.isnan(spread_of([4.0, math.nan]))


def test_a_judgement_comes_back_from_its_file(tmp_path):
    judged = poses([[1, math.nan], [2, 5], [3, 6]], centred=0.5, selected=[[True, False]] * 3, det=[1.23456e10, 7])
    for case in (judged, poses(0, num_frames=0)):
        write_judged(case, tmp_path / "j.json", {"action": "Walking"})
        again = read_judged(tmp_path / "j.json")
        assert again.frames.tolist() == case.frames.tolist()
        np.testing.assert_allclose(again.error_mm, case.error_mm, atol=1e-3)
        np.testing.assert_allclose(again.centred_mm, case.centred_mm, atol=1e-3)
        np.testing.assert_allclose(again.det, case.det, rtol=1e-4)
        assert (again.selected == case.selected).all()


@pytest.mark.parametrize("text", ["{", '{"frames": [1]}', '{"frames": [1, 2], "num_joints": 2, "error_mm": [[1, 2]]}'])
def test_a_damaged_judgement_is_named(text, tmp_path):
    (tmp_path / "j.json").write_text(text)
    with pytest.raises(StoreError, match=r"j\.json: the judgement is damaged"):
        read_judged(tmp_path / "j.json")


def test_joints_are_selected_over_all_actions_of_a_run():
    """Half of each joint, and one action is surer of everything: it is selected as a whole, the other not at all."""
    cells = dict(GOOD.poses)
    for run in RUNS:
        cells[run, Network.GENERIC, "Walking"] = poses(50, det=1.0)
        cells[run, Network.GENERIC, "Sitting"] = poses(100, det=[[5.0, 0.5 + run.subject], [5.0, 7.0], [5.0, 7.0]])
    chosen = selected_together(Results(GOOD.actions, RUNS, cells), Network.GENERIC, SelectionRule(share=0.5)).poses
    for run in RUNS:
        assert chosen[run, Network.GENERIC, "Walking"].selected.all()
        assert not chosen[run, Network.GENERIC, "Sitting"].selected.any()
        assert chosen[run, Network.PS, "Sitting"] is cells[run, Network.PS, "Sitting"]
    shares = together(Results(GOOD.actions, RUNS, cells), Network.GENERIC)
    sure, everything = (shares.mean(Network.GENERIC, ALL_ACTIONS, kept_share(share)).value for share in (0.5, 1.0))
    assert (sure, everything) == (50, 75)
