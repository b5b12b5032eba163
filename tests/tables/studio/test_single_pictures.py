from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from poseharvest.annotations.across_harvests import select_comparable
from poseharvest.errors import ConfigError
from poseharvest.geometry.camera import Camera
from poseharvest.learning.loop.augmentation import Augmentation
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.learning.pose3d.pose_labels import axial_depth
from poseharvest.learning.pose3d.pose_model import load_model
from poseharvest.learning.pose3d.regression_options import RegressionOptions
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.storage.finished_units import UnitStore
from poseharvest.tables.paper import AVERAGE_15
from poseharvest.tables.studio.judged_poses import judge_poses
from poseharvest.tables.studio.pose_networks import Teacher, judge_single_views, labels_by, learn_poses
from poseharvest.tables.studio.results import CENTRED, Run
from poseharvest.tables.studio.single_pictures import LABELS, run_table5, table5
from poseharvest.tables.studio.studio_subject import StudioSubject
from poseharvest.tables.studio.study import Network

OPTIONS = RegressionOptions(
    training=TrainingOptions(epochs=2, augmentation=Augmentation(rotation_deg=5, scale=0.05)),
    features=8,
    input_px=64,
    held_out=0.0,
)
RUN = Run(101, 0)


def run(study, out, on_progress=lambda _: None, **changes):
    given = {"subjects": (1,), "unseen": (101,), "seeds": (0,), "options": OPTIONS, **changes}
    return run_table5(study, out, on_progress=on_progress, **given)


def true_lengths(positions: torch.Tensor, skeleton: Skeleton) -> LimbLengths:
    ends = {limb: [positions[:, skeleton.index(name)] for name in (limb.parent, limb.child)] for limb in skeleton.limbs}
    distances = {limb: torch.linalg.vector_norm(a - b, dim=-1) for limb, (a, b) in ends.items()}
    return LimbLengths({(limb.parent, limb.child): float(d.median()) for limb, d in distances.items()})


@pytest.fixture(scope="module")
def made(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("t5")
    return run(study, out), out


@pytest.fixture(scope="module")
def learner(made, study):
    store = UnitStore(made[1] / "table5")
    return StudioSubject(1, 0, replace(study, learned_share=1.0), store, lambda _: None)


def test_both_networks_are_judged_on_every_picture_of_the_unseen_subject(made, study):
    results = made[0].networks
    assert set(results.poses) == {(RUN, teacher.value, action) for teacher in Teacher for action in study.actions}
    for poses in results.poses.values():
        assert poses.frames.tolist() == [frame for frame in range(6) for _ in range(4)]
        assert np.isfinite(poses.error_mm).all()


def test_the_networks_differ_in_their_teacher_alone(made):
    folders = [made[1] / "table5" / "units" / "seed-0" / teacher.value / "network" for teacher in Teacher]
    models = [load_model(folder / "weights.safetensors") for folder in folders]
    assert models[0].limb_lengths == models[1].limb_lengths
    weights = [torch.cat([p.flatten() for p in model.network.parameters()]) for model in models]
    assert not torch.equal(*weights)
    assert (weights[0] - weights[1]).norm() < (weights[0]).norm(), "they began with the same weights"


def test_the_truth_teaches_all_joints_where_they_are(learner):
    """Projected by hand: pixels and depths of the true positions, in the windows of the harvest."""
    harvest, take = learner.harvest(Network.PS_SEL, "Greeting"), learner.take("Greeting")
    taught = labels_by(Teacher.TRUTH, harvest, take.truth)
    assert [label.crop for label in taught] == [label.crop for label in labels_by(Teacher.HARVEST, harvest, take.truth)]
    root = harvest.skeleton.index(harvest.skeleton.root)
    for label in taught:
        camera, truth = take.capture.rig.at(0)[label.view], take.truth.positions[label.frame]
        assert isinstance(camera, Camera)
        torch.testing.assert_close(label.joints, camera.project(truth).pixels)
        depth = axial_depth(camera, truth)
        torch.testing.assert_close(label.depth_mm[label.known], (depth - depth[root])[label.known])
        assert label.known.all()


def test_the_harvest_teaches_nothing_of_the_truth(learner):
    harvest, take = learner.harvest(Network.PS_SEL, "Greeting"), learner.take("Greeting")
    elsewhere = replace(take.truth, positions=take.truth.positions + 1000)
    for a, b in zip(*(labels_by(Teacher.HARVEST, harvest, t) for t in (take.truth, elsewhere)), strict=True):
        assert torch.equal(a.joints, b.joints)


def test_all_joints_can_be_taught_and_are_judged_then(made, study, learner, tmp_path):
    """Nothing but the harvest's network is made anew: the truth has taught all joints before."""
    harvest, take = learner.harvest(Network.PS_SEL, "Greeting"), learner.take("Greeting")
    some = labels_by(Teacher.HARVEST, harvest, take.truth)
    more = labels_by(Teacher.HARVEST, harvest, take.truth, all_joints=True)
    assert sum(int(one.known.sum()) for one in more) > sum(int(one.known.sum()) for one in some)
    shutil.copytree(made[1], tmp_path / "copy")
    for part in ("harvest", "labels"):
        shutil.rmtree(tmp_path / "copy" / "table5" / "units" / "seed-0" / part)
    found = run(study, tmp_path / "copy", options=replace(OPTIONS, all_joints=True))
    for key, poses in found.labels.poses.items():
        assert np.array_equal(poses.selected, np.isfinite(poses.error_mm))
        assert poses.selected.sum() > made[0].labels.poses[key].selected.sum()
    for key, poses in found.networks.poses.items():
        same = np.array_equal(poses.error_mm, made[0].networks.poses[key].error_mm, True)
        assert same == (key[1] == Teacher.TRUTH.value)


def test_the_labels_that_are_judged_are_those_that_were_learned(made, study, learner):
    labels = made[0].labels
    harvests = [learner.harvest(LABELS, action) for action in study.actions]
    chosen = select_comparable(harvests)
    assert sum(int(marks.sum()) for marks in chosen) > 0
    for action, harvest, marks in zip(study.actions, harvests, chosen, strict=True):
        judged = labels.poses[Run(1, 0), LABELS, action]
        assert np.array_equal(judged.selected, marks)
        expected = judge_poses(harvest, learner.take(action).truth).error_mm
        assert np.allclose(judged.error_mm, expected, atol=1e-3, equal_nan=True)
    scores = {column.title: column.scores[AVERAGE_15].value for column in table5(made[0], {}).panels[-1].ours}
    errors = [labels.poses[Run(1, 0), LABELS, action] for action in study.actions]
    learned = [np.nanmean(poses.error_mm[poses.selected]) for poses in errors]
    assert scores["here, learned"] == pytest.approx(np.mean(learned), abs=1e-3)


@pytest.mark.slow
def test_a_network_that_learned_the_pictures_by_heart_is_judged_to_be_good(learner, tmp_path):
    harvest, take = learner.harvest(Network.PS_SEL, "Greeting"), learner.take("Greeting")
    options = replace(
        OPTIONS,
        features=16,
        training=TrainingOptions(
            epochs=20,
            batch_size=8,
            learning_rate=2e-3,
            schedule="linear",
            augmentation=Augmentation(rotation_deg=0, scale=0, flip=False),
        ),
    )
    model = learn_poses([(harvest, take)], Teacher.TRUTH, tmp_path, options=options, on_progress=lambda _: None)
    # Lengths from a harvest by an untrained network would put a right pose at a wrong distance.
    model = replace(model, limb_lengths=true_lengths(take.truth.positions, harvest.skeleton))
    good = judge_single_views(model, harvest, take)
    torch.manual_seed(0)
    untrained = judge_single_views(
        replace(model, network=type(model.network)(model.network.shape, model.network.input_size).eval()), harvest, take
    )
    assert np.nanmean(good.centred_mm) < 0.1 * np.nanmean(untrained.centred_mm)


def test_the_table_says_how_far_apart_they_are(made):
    results = made[0].networks
    table = table5(made[0], {"subjects": [1]})
    columns = {column.title: column.scores[AVERAGE_15].value for column in table.panels[0].ours}
    harvest, truth = columns["here, learned from the harvest"], columns["here, learned from the truth"]
    assert harvest == pytest.approx(results.mean("harvest", AVERAGE_15, CENTRED).value)
    assert f"{harvest:.1f} against {truth:.1f} mm, {100 * (harvest - truth) / truth:+.1f} %" in table.notes[0]
    assert json.loads(json.dumps(table.as_dict()))["panels"][0]["paper"][-1]["values"][AVERAGE_15] == 118.41


def test_the_five_percent_are_of_the_network_that_learned_the_truth(made):
    results = made[0].networks

    def note_on(changed):
        return table5(replace(made[0], networks=replace(results, poses=changed)), {}).notes[0]

    poses = {
        key: replace(value, centred_mm=np.full_like(value.centred_mm, 104.9 if key[1] == "harvest" else 100.0))
        for key, value in results.poses.items()
    }
    assert " is within 5 % " in note_on(poses)
    worse = {key: replace(v, centred_mm=v.centred_mm + 2 * (key[1] == "harvest")) for key, v in poses.items()}
    assert " is NOT within 5 % " in note_on(worse)


def test_the_seeds_are_told_apart(made):
    """A second seed whose harvest costs a tenth: the mean hides how far it is from the first."""
    results = made[0].networks
    again = Run(RUN.subject, 1)
    scale = {"harvest": (100.0, 110.0), "truth": (100.0, 100.0)}
    poses = {
        (run, teacher, action): replace(value, centred_mm=np.full_like(value.centred_mm, scale[teacher][run.seed]))
        for (_, teacher, action), value in results.poses.items()
        for run in (RUN, again)
    }
    notes = table5(replace(made[0], networks=replace(results, runs=(RUN, again), poses=poses)), {}).notes
    assert "is within 5 % of the one learned from the truth: 105.0 against 100.0 mm, +5.0 %" in notes[0]
    assert notes[1] == "seed by seed, mm: 0: 100.0 against 100.0, +0.0 %; 1: 110.0 against 100.0, +10.0 %"
    assert len(table5(made[0], {}).notes) == 1


def test_what_is_finished_is_not_done_again(made, study, tmp_path):
    found, out = made
    copy, events = tmp_path / "copy", []
    shutil.copytree(out, copy)
    again = run(study, copy, events.append)
    for one, other in ((again.networks, found.networks), (again.labels, found.labels)):
        assert all(np.array_equal(one.poses[key].error_mm, other.poses[key].error_mm, True) for key in other.poses)
    assert events == []
    with pytest.raises(ConfigError, match="was made with regression features 8, asked for is 16"):
        run(study, copy, options=replace(OPTIONS, features=16))


def test_nobody_is_judged_whom_a_network_has_seen(study, tmp_path):
    with pytest.raises(ConfigError, match="table5: expected a seed, a subject to learn from and another one"):
        run(study, tmp_path, unseen=(1,))
