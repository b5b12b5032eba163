from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from poseharvest.detectors.registry import load_detector
from poseharvest.errors import ConfigError
from poseharvest.storage.finished_units import UnitStore
from poseharvest.tables.paper import AVERAGE
from poseharvest.tables.studio.fine_tuning import run_table4, table4
from poseharvest.tables.studio.judged_poses import mean_of
from poseharvest.tables.studio.results import CENTRED, IN_WORLD, Run
from poseharvest.tables.studio.studio_subject import StudioSubject
from poseharvest.tables.studio.study import Network

RUN = Run(1, 0)
SOME = (Network.HM_SEL, Network.PS_SEL)


def lend_films(films: Path, store: UnitStore, study, subject: int = 1) -> None:
    """Put footage that was drawn before where the experiment would draw it."""
    for action in study.actions:
        name, settings = (f"subject-{subject}", "seed-0", "film", action), {"filming": study.filming.as_dict()}
        store.ensure(name, settings, lambda to, a=action: shutil.copytree(films / str(subject) / a, to / "footage"))


def run(study, out, films, **options):
    lend_films(films, UnitStore(out), study)
    events = []
    results = run_table4(study, out, subjects=(1,), seeds=(0,), networks=SOME, on_progress=events.append, **options)
    return results, events


@pytest.fixture(scope="module")
def made(films, study, tmp_path_factory):
    out = tmp_path_factory.mktemp("t4")
    return *run(study, out, films, keep=True), study, out


def test_every_network_is_judged_on_every_action(made):
    results, _, study, _ = made
    assert set(results.poses) == {(RUN, n, a) for n in (Network.GENERIC, *SOME) for a in study.actions}
    assert all(poses.frames.tolist() == list(range(6)) for poses in results.poses.values())


def test_a_network_that_errs_less_harvests_better(made):
    """The detector of these tests errs less once it was trained: that must reach the table."""
    results, _, _, _ = made
    generic, trained = (results.mean(network, AVERAGE, CENTRED).value for network in (Network.GENERIC, Network.PS_SEL))
    assert trained < 0.6 * generic


def test_errors_are_those_of_the_harvests(made):
    results, _, study, out = made
    subject = StudioSubject(1, 0, study, UnitStore(out), lambda _: None)
    for action in study.actions:
        harvest, truth = subject.harvest(Network.GENERIC, action), subject.take(action).truth.positions
        rows = list(harvest.iter_selected())
        by_hand = [(row.annotations.mean - truth[row.annotations.frame]).norm(dim=-1).numpy() for row in rows]
        poses = results.poses[RUN, Network.GENERIC, action]
        np.testing.assert_allclose(poses.error_mm, by_hand, atol=1e-3)
        assert (poses.selected == np.stack([np.asarray(row.selected) for row in rows])).all()


def test_a_subject_has_one_body_in_all_takes(made):
    _, _, study, out = made
    subject = StudioSubject(1, 0, study, UnitStore(out), lambda _: None)
    body = subject.harvest(Network.GENERIC, study.body_action).info.limb_lengths_mm
    for network in (Network.GENERIC, *SOME):
        for action in study.actions:
            assert dict(subject.harvest(network, action).info.limb_lengths_mm) == pytest.approx(dict(body))


def test_without_a_body_take_every_take_has_its_own(made, known_pixels, tmp_path):
    _, _, study, out = made
    alone = StudioSubject(1, 0, replace(study, body_action=None), UnitStore(tmp_path), lambda _: None)
    assert alone.limb_lengths is None
    shutil.copytree(out / "units" / "subject-1" / "seed-0" / "film", tmp_path / "units/subject-1/seed-0/film")
    lengths = [dict(alone.harvest(Network.GENERIC, action).info.limb_lengths_mm) for action in study.actions]
    assert lengths[0] != lengths[1]


def test_each_label_set_trained_a_network_of_its_own(made):
    _, _, study, out = made
    folders = [UnitStore(out).path(("subject-1", "seed-0", "network", network)) for network in SOME]
    first, second = (load_detector(folder / "weights.safetensors").network.score[0].weight for folder in folders)
    assert not first.equal(second)
    assert not first.equal(study.detector.network.score[0].weight)


def test_the_table_has_the_judged_frames_alone(made):
    results, _, study, _ = made
    table = table4(results, study)
    assert list(study.judged) == [4, 5]
    expected = np.mean([mean_of(results.poses[RUN, Network.PS_SEL, a].centred_mm[4:]) for a in study.actions])
    columns = {column.title: column for column in table.panels[0].ours}
    assert columns["here, PS+sel"].scores[AVERAGE].value == pytest.approx(expected)
    assert columns["here, PS+sel"].scores[AVERAGE].protocol.alignment == "centroid"
    assert list(columns) == ["here, Generic", "here, HM+sel", "here, PS+sel"]


def test_the_frames_that_were_learned_from_have_a_panel(made):
    """Together with the judged ones they are all frames."""
    results, _, study, _ = made
    table = table4(results, study)
    panel = next(panel for panel in table.panels if "learned from" in panel.title)
    for column, judged in zip(panel.ours, table.panels[0].ours, strict=True):
        assert column.title == judged.title
        network = next(n for n in Network if column.title == f"here, {n.paper_name}")
        whole = results.mean(network, AVERAGE, CENTRED).value
        assert (4 * column.scores[AVERAGE].value + 2 * judged.scores[AVERAGE].value) / 6 == pytest.approx(whole)
    assert panel.paper == table.panels[0].paper


def test_the_paper_stands_beside_it(made):
    results, _, study, _ = made
    paper = {column.title: column.values for column in table4(results, study).panels[0].paper}
    assert paper["paper, Generic"] == {"Greeting": 43.44, "Walking": 41.79, AVERAGE: 56.89}
    assert paper["paper, PS+sel"] == {AVERAGE: 47.83}


def test_shares_and_selection_are_those_of_the_generic_harvests(made):
    results, _, study, _ = made
    panels = {panel.title.split(",")[0].split(":")[0]: panel for panel in table4(results, study).panels}
    shares = panels["error against the share kept of every joint over all actions"].ours[0].scores
    everything = results.mean(Network.GENERIC, AVERAGE, IN_WORLD).value
    assert list(shares) == [f"{n} %" for n in range(10, 101, 10)]
    assert shares["100 %"].value == pytest.approx(everything)
    selection = panels["selection"].ours
    assert selection[0].scores[AVERAGE].value == pytest.approx(everything)
    assert selection[1].scores[AVERAGE].value != pytest.approx(everything)


def test_a_wider_limit_keeps_more(made):
    results, _, study, _ = made
    panel = next(panel for panel in table4(results, study).panels if "limit of width" in panel.title)
    kept = [float(row.split("keeps ")[1].rstrip(" %")) for row in panel.rows]
    errors = [score.value for score in panel.ours[0].scores.values()]
    assert kept == sorted(kept)
    assert 0 < kept[0] < kept[-1] <= 100
    assert errors[-1] == pytest.approx(results.mean(Network.GENERIC, AVERAGE, IN_WORLD).value, rel=0.5)


def test_errors_by_joint_have_the_mean_of_all(made):
    """Every take has as many judged frames and joints, so the mean over joints is that over actions."""
    results, _, study, _ = made
    table = table4(results, study)
    panel = next(panel for panel in table.panels if "by joint" in panel.title)
    assert panel.rows == study.detector.skeleton.joints
    for column, whole in zip(panel.ours, table.panels[0].ours, strict=True):
        assert column.title == whole.title
        values = [score.value for score in column.scores.values()]
        assert np.mean(values) == pytest.approx(whole.scores[AVERAGE].value, rel=1e-3)
        assert {score.protocol.num_joints for score in column.scores.values()} == {1}


def test_the_table_is_plain_data_and_says_what_it_found(made):
    results, _, study, _ = made
    table = table4(results, study)
    assert json.loads(json.dumps(table.as_dict()))["settings"]["subjects"] == [1]
    assert any(note.startswith("PS+sel below Generic: yes") for note in table.notes)
    assert math.isnan(table.panels[1].ours[0].scores[AVERAGE].value), "one run has no spread"


def test_what_is_finished_is_not_done_again(made, films, tmp_path):
    results, _, study, out = made
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    shutil.rmtree(copy / "units" / "subject-1" / "seed-0" / "film")
    shutil.rmtree(copy / "units" / "subject-1" / "seed-0" / "harvest")
    events = []
    again = run_table4(study, copy, subjects=(1,), seeds=(0,), networks=SOME, on_progress=events.append)
    assert events == []
    assert again.by_run(Network.PS_SEL, AVERAGE, CENTRED) == results.by_run(Network.PS_SEL, AVERAGE, CENTRED)


def test_an_interrupted_experiment_goes_on(made, tmp_path):
    """Half of the units are there: the others come out as they did."""
    results, _, study, out = made
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    shutil.rmtree(copy / "units" / "subject-1" / "seed-0" / "judged" / "ps+sel")
    shutil.rmtree(copy / "units" / "subject-1" / "seed-0" / "harvest" / "ps+sel" / "Walking")
    events = []
    again = run_table4(study, copy, subjects=(1,), seeds=(0,), networks=SOME, on_progress=events.append)
    assert {event.stage.split(": ")[2] for event in events} == {"Walking, PS+sel"}
    assert all(event.stage.startswith("6 of 6: subject 1, seed 0: ") for event in events)
    assert again.by_run(Network.PS_SEL, AVERAGE, CENTRED) == results.by_run(Network.PS_SEL, AVERAGE, CENTRED)


def test_footage_of_a_finished_subject_is_not_kept_unless_asked_for(made, films, tmp_path):
    _, _, study, out = made
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    run_table4(study, copy, subjects=(1,), seeds=(0,), networks=SOME, on_progress=lambda _: None)
    kept = {path.name for path in (copy / "units" / "subject-1" / "seed-0").iterdir()}
    assert kept == {"judged", "network"}


def test_other_settings_are_not_mixed_in(made):
    _, _, study, out = made
    other = replace(study, training=replace(study.training, epochs=2))
    with pytest.raises(ConfigError, match=r"was made with training epochs 1, asked for is 2: choose another output"):
        run_table4(other, out, subjects=(1,), seeds=(0,), networks=SOME, on_progress=lambda _: None)


def test_nothing_to_do_is_wrong_usage(study, tmp_path):
    with pytest.raises(ConfigError, match="table4: expected one subject and one seed or more, each once"):
        run_table4(study, tmp_path, subjects=(), seeds=(0,), on_progress=lambda _: None)
