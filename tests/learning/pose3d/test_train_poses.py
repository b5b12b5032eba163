import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from poseharvest.annotations.info import HarvestRun
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.errors import CaptureError, ConfigError, DetectorError, SkeletonError, StoreError, TrainingError
from poseharvest.geometry.crop import Crop
from poseharvest.learning.loop.augmentation import NO_AUGMENTATION, Augmentation
from poseharvest.learning.loop.processes import Processes
from poseharvest.learning.loop.samples import TrainingSample
from poseharvest.learning.loop.steps import Trainer
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.learning.personalize.label_weights import MOST_RARE, NETWORK_SIGMA_MM, certainties_in_space
from poseharvest.learning.pose3d.pose_labels import axial_depth, pose_labels, weighted_pose_labels
from poseharvest.learning.pose3d.pose_model import load_model, new_regressor, preprocessing_of
from poseharvest.learning.pose3d.pose_task import RegressionTask
from poseharvest.learning.pose3d.regression_options import RegressionOptions
from poseharvest.learning.pose3d.train_poses import check_shares, common_lengths, train3d
from poseharvest.skeleton.definitions import MPII16
from torchrun_kit import by_two, train3d_small

TINY = RegressionOptions(
    training=TrainingOptions(epochs=2, batch_size=4, augmentation=Augmentation(rotation_deg=10, scale=0.1)),
    features=4,
    input_px=64,
    held_out=0.2,
    min_pictures=4,
)


class Drawn:
    """Eight pictures of noise with a pose each."""

    skeleton = MPII16

    def __len__(self):
        return 8

    def sample(self, index):
        rng = np.random.default_rng(index)
        return TrainingSample(
            picture=torch.from_numpy(rng.uniform(0, 1, (3, 72, 96)).astype(np.float32)),
            joints=torch.from_numpy(rng.uniform((20, 10), (76, 62), (16, 2))),
            weight=torch.ones(16),
            window=Crop((47.5, 35.5), 64.0),
            depth_mm=torch.from_numpy(rng.uniform(-400, 400, 16)),
        )


@pytest.fixture(scope="module")
def trained(simulation, harvested, tmp_path_factory):
    out = tmp_path_factory.mktemp("t") / "out"
    return train3d([harvested], out, options=TINY, captures=[simulation.capture])


def test_eight_pictures_are_overfitted():
    task = RegressionTask(MPII16, preprocessing_of(64))
    options = TrainingOptions(
        epochs=90, batch_size=8, learning_rate=2e-3, schedule="linear", warm_up_steps=5, augmentation=NO_AUGMENTATION
    )
    trainer = Trainer(new_regressor(MPII16, input_px=64, features=16, seed=0), task, Drawn(), options)
    losses = [done.loss for done in trainer.steps()]
    assert losses[-1] < 0.01 * losses[0]
    scores = task.scores(trainer.network, Drawn())
    assert set(scores) == {"error_px", "depth_error_mm"}
    assert np.isfinite(list(scores.values())).all()


def test_labels_are_the_selected_joints_and_their_depths(harvested):
    labels = pose_labels(harvested, range(10))
    row = next(row for row in harvested.iter_selected() if row.annotations.frame == labels[0].frame)
    record, camera = row.annotations, harvested.rig.cameras[labels[0].view]
    inside = record.inside[labels[0].view]
    assert torch.equal(labels[0].known[inside], (row.selected & record.supported)[inside])
    assert torch.allclose(labels[0].joints[inside], record.pixels[labels[0].view][inside], atol=1e-6)
    z = axial_depth(camera, record.mean)
    root = harvested.skeleton.index("pelvis")
    expected = torch.where(labels[0].known & labels[0].known[root], z - z[root], torch.nan)
    assert torch.allclose(labels[0].depth_mm, expected, equal_nan=True)
    more = pose_labels(harvested, range(10), all_joints=True)
    assert sum(int(one.known.sum()) for one in more) > sum(int(one.known.sum()) for one in labels)


def test_weighted_labels_are_all_joints_each_as_much_as_it_is_certain(harvested):
    plain = pose_labels(harvested, range(10), all_joints=True)
    weighted = weighted_pose_labels(harvested, range(10))
    assert [(one.frame, one.view) for one in weighted] == [(one.frame, one.view) for one in plain]
    assert all(torch.equal(a.known, b.known) for a, b in zip(weighted, plain, strict=True))
    rows = {row.annotations.frame: row for row in harvested.iter_selected()}
    for one in weighted:
        ratio = one.weight / certainties_in_space(rows[one.frame])
        assert torch.allclose(ratio, ratio[0].expand_as(ratio))  # how rare the posture is, the same for all joints
        assert 1 / MOST_RARE**2 <= float(ratio[0]) <= MOST_RARE**2
    by_frame = {one.frame: float((one.weight / certainties_in_space(rows[one.frame]))[0]) for one in weighted}
    assert np.mean(list(by_frame.values())) == pytest.approx(1, abs=1e-5)


def test_a_place_in_space_counts_half_where_it_is_as_unsure_as_a_network(harvested):
    row = next(iter(harvested.iter_selected()))
    joints = len(harvested.skeleton)
    cov = NETWORK_SIGMA_MM**2 * torch.eye(3).double().expand(joints, 3, 3)
    as_unsure = replace(row, annotations=replace(row.annotations, cov=cov), scale=torch.ones_like(row.scale))
    assert torch.allclose(certainties_in_space(as_unsure).double(), torch.full((joints,), 0.5).double())


def test_weighted_and_all_joints_are_two_things():
    with pytest.raises(ConfigError, match="weighted, all_joints: expected one of them"):
        RegressionOptions(weighted=True, all_joints=True)


def test_a_depth_needs_a_reliable_root(harvested):
    root = harvested.skeleton.index("pelvis")
    labels = pose_labels(harvested, range(10))
    without = [one for one in labels if not one.known[root]]
    assert without
    assert all(one.depth_mm.isnan().all() and one.known.any() for one in without)
    assert all(bool(one.depth_mm[root] == 0) for one in labels if one.known[root])


def test_a_window_that_shows_something_else_teaches_nothing(harvested, monkeypatch):
    """A window moved off the person by more than its side."""
    rows = [row for row in harvested.iter_selected() if row.selected.any()][:1]
    crops = rows[0].annotations.crops
    away = Crop((crops[0].center[0] + 3 * crops[0].side, crops[0].center[1]), crops[0].side)
    moved = replace(rows[0], annotations=replace(rows[0].annotations, crops=(away, *crops[1:])))
    monkeypatch.setattr(type(harvested), "iter_selected", lambda self: iter([moved]))
    assert [one.view for one in pose_labels(harvested, range(10))] == [1, 2]


def test_the_record_the_curve_and_the_files(trained, harvested):
    record = json.loads((trained.folder / "training3d.json").read_text())
    assert record["finished"]
    assert record["options"]["input_px"] == 64
    assert [row["epoch"] for row in record["curve"]] == [1, 2]
    assert np.isfinite([value for row in trained.curve for value in row.values()]).all()
    assert {"error_px", "depth_error_mm"} <= set(trained.curve[-1])
    assert not list(trained.folder.glob(".pictures-*"))
    model = load_model(trained.folder)
    assert model.skeleton == harvested.skeleton
    assert dict(model.limb_lengths.mm) == dict(common_lengths([harvested]).mm)
    assert json.loads((trained.folder / "model.json").read_text())["depth_unit_mm"] == 2000


def test_onnx_gives_the_network_s_numbers(trained):
    onnxruntime = pytest.importorskip("onnxruntime")
    pictures = torch.rand((3, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    session = onnxruntime.InferenceSession(str(trained.folder / "model.onnx"), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"pictures": pictures.numpy()})
    assert np.allclose(found, load_model(trained.weights).numbers(pictures).numpy(), atol=1e-5)


def test_going_on_gives_the_weights_of_not_stopping(trained, harvested, simulation, tmp_path):
    out, inputs = tmp_path / "out", {"captures": [simulation.capture]}
    train3d([harvested], out, options=replace(TINY, training=replace(TINY.training, epochs=1)), **inputs)
    train3d([harvested], out, options=TINY, resume=True, **inputs)
    expected, found = (load_model(folder).network.state_dict() for folder in (trained.folder, out))
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    with pytest.raises(StoreError, match="already exists: choose another output, resume it, or ask to overwrite it"):
        train3d([harvested], out, options=TINY, **inputs)
    with pytest.raises(TrainingError, match="was begun with options features 4, asked for is 8: resume with"):
        train3d([harvested], out, options=replace(TINY, features=8), resume=True, **inputs)


def test_harvests_are_mixed(harvested, simulation, tmp_path):
    options = replace(TINY, held_out=0.0, training=replace(TINY.training, epochs=1))
    result = train3d([harvested, harvested], tmp_path / "out", options=options, captures=[simulation.capture] * 2)
    record = json.loads((result.folder / "training3d.json").read_text())
    assert record["learned_pictures"] == [len(pose_labels(harvested, range(10)))] * 2
    assert "error_px" not in result.curve[-1]
    assert "no frames were held out" in result.findings[-1]


def test_of_several_harvests_the_sure_ones_are_learned(harvested, simulation, tmp_path):
    """The last one's marginals are a hundred times as wide: nearly all that is reliable is in the others."""
    rows = [row.annotations for row in harvested.iter_selected()]
    with HarvestWriter(tmp_path / "vague", rig=harvested.rig, skeleton=harvested.skeleton) as writer:
        for row in rows:
            writer.add(replace(row, cov=1e4 * row.cov))
        run = HarvestRun(**{name: getattr(harvested.info, name) for name in HarvestRun.model_fields})
        vague = writer.finish(run, harvested.info.selection.rule)
    options = replace(TINY, held_out=0.0, training=replace(TINY.training, epochs=1))
    inputs = {"captures": [simulation.capture] * 3}
    result = train3d([harvested, harvested, vague], tmp_path / "out", options=options, **inputs)
    sure, _, rest = json.loads((result.folder / "training3d.json").read_text())["selected_joints"]
    assert rest < 0.5 * sum(joint.selected for joint in harvested.info.selection.joints) < sure
    assert sum("vague: " in one and "little of it is learned" in one for one in result.findings) == 1
    greedy = replace(options, all_joints=True)
    everything = train3d([harvested, harvested, vague], tmp_path / "all", options=greedy, **inputs)
    assert not any("little of it" in one for one in everything.findings)


@pytest.mark.slow
@pytest.mark.long
def test_two_processes_train_what_one_trains_and_go_on(harvested, tmp_path):
    """Two by torchrun with gloo, batch norm's statistics frozen: they would differ by the share of a step seen."""
    train3d_small(harvested.path, tmp_path / "one")
    for name, epochs in (("two", 2), ("resumed", 1), ("resumed", 2)):
        by_two("train3d", harvested.path, tmp_path / name, epochs)
    records = [json.loads((tmp_path / name / "training3d.json").read_text()) for name in ("one", "two", "resumed")]
    assert all(record["finished"] and len(record["curve"]) == 2 for record in records)
    assert {name: records[0][name] for name in ("selected_joints", "findings")} == {
        name: records[1][name] for name in ("selected_joints", "findings")
    }
    one, two, resumed = (load_model(tmp_path / name).network for name in ("one", "two", "resumed"))
    for a, b, c in zip(one.parameters(), two.parameters(), resumed.parameters(), strict=True):
        assert torch.allclose(a, b, atol=2e-4)
        assert torch.equal(b, c)
    for key in ("loss", "error_px", "depth_error_mm"):
        expected = [row[key] for row in records[0]["curve"]]
        assert [row[key] for row in records[1]["curve"]] == pytest.approx(expected, rel=2e-3)
    assert not list((tmp_path / "two").glob("pictures*"))


def test_a_harvest_of_another_skeleton_is_named(harvested, simulation, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(harvested.path, other)
    text = (other / "harvest.json").read_text()
    (other / "SHA256SUMS").unlink()
    (other / "harvest.json").write_text(text.replace(f'"{harvested.skeleton.joints[0]}"', '"bottom"'))
    with pytest.raises(SkeletonError, match=r"must have the same joints: .*other lacks right_ankle"):
        train3d([harvested, other], tmp_path / "out", options=TINY, captures=[simulation.capture] * 2)
    assert not (tmp_path / "out").exists()


def test_bad_input_is_named_and_leaves_nothing(harvested, simulation, tmp_path):
    out, inputs = tmp_path / "out", {"captures": [simulation.capture]}
    with pytest.raises(TrainingError, match="too few selected annotations: expected at least 1000 pictures with any"):
        train3d([harvested], out, options=replace(TINY, min_pictures=1000), **inputs)
    with pytest.raises(CaptureError, match=r"gone: expected the footage of .*, found no folder there: name it"):
        train3d([harvested], out, options=TINY, captures=[tmp_path / "gone"])
    with pytest.raises(CaptureError, match="was harvested from a synthetic capture, which has no footage"):
        train3d([harvested], out, options=TINY)
    with pytest.raises(TrainingError, match="captures: expected one a harvest, 2, got 1"):
        train3d([harvested, harvested], out, options=TINY, **inputs)
    with pytest.raises(TrainingError, match="expected one harvest or more, got none"):
        train3d([], out)
    assert not out.exists()


def test_a_loss_that_is_no_number_ends_the_run(harvested, simulation, tmp_path):
    wild = replace(TINY, training=replace(TINY.training, learning_rate=1e30))
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) in step .* lower the learning rate"):
        train3d([harvested], tmp_path / "out", options=wild, captures=[simulation.capture])


def test_options_and_files_are_checked(trained, tmp_path):
    for wrong, message in (
        ({"held_out": 1.0}, "held_out: expected a share"),
        ({"features": 0}, "features: expected 1 or more"),
        ({"input_px": 100}, "input_px: expected a multiple of 64, got 100"),
        ({"min_pictures": 9, "max_pictures": 8}, "min_pictures, max_pictures: expected 1 or more"),
        ({"training": TrainingOptions(batch_size=4, distillation=1.0)}, "distillation: expected 0"),
        ({"training": TrainingOptions(batch_size=1)}, "batch_size: expected 2 or more for batch norm, got 1"),
    ):
        with pytest.raises(ConfigError, match=message):
            RegressionOptions(**wrong)
    with pytest.raises(DetectorError, match=r"weights\.safetensors: expected a safetensors file"):
        load_model(tmp_path)
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(DetectorError, match=r"other\.safetensors: expected a 3D network that train3d wrote"):
        load_model(tmp_path / "other.safetensors")


def test_a_process_needs_two_pictures_for_its_batch_norm():
    with pytest.raises(
        ConfigError, match="batch_size: expected 6 or more, since each of 3 processes has its own batch"
    ):
        check_shares(TINY, Processes(rank=1, count=3))
    check_shares(TINY, Processes(rank=1, count=2))
