import copy
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.errors import ConfigError, TrainingError
from poseharvest.learning.heatmaps2d.heatmap_task import HeatmapTask, heatmap_task
from poseharvest.learning.loop.augment import Variation
from poseharvest.learning.loop.augmentation import NO_AUGMENTATION
from poseharvest.learning.loop.batches import make_batch
from poseharvest.learning.loop.checkpoint import read_checkpoint, write_checkpoint
from poseharvest.learning.loop.fit import fit
from poseharvest.learning.loop.processes import Processes
from poseharvest.learning.loop.steps import Trainer, samples_of_step, steps_per_epoch
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.networks.hourglass import StackedHourglass
from poseharvest.networks.hourglass_shape import HourglassShape
from poseharvest.skeleton.definitions import COCO17

TINY = TrainingOptions(epochs=3, batch_size=2, seed=3)


def equal_states(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_overfits_eight_pictures(drawn, small_family, small_hourglass):
    family = replace(small_family, preprocessing=replace(small_family.preprocessing, input_size=(32, 32)))
    options = TrainingOptions(
        epochs=120, batch_size=8, learning_rate=2.5e-3, schedule="linear", augmentation=NO_AUGMENTATION
    )
    trainer = Trainer(small_hourglass(features=32, stem=16), HeatmapTask(family), drawn(8), options)
    losses = [done.loss for done in trainer.steps()]
    assert losses[-1] < 0.01 * losses[0]


def test_the_same_seed_gives_the_same_weights_and_another_one_does_not(drawn, small_family, small_hourglass):
    def train(seed):
        trainer = Trainer(small_hourglass(), HeatmapTask(small_family), drawn(5), replace(TINY, epochs=1, seed=seed))
        list(trainer.steps())
        return trainer.result()

    assert equal_states(train(1), train(1))
    assert not equal_states(train(1), train(2))


def test_threads_that_prepare_change_nothing(drawn, small_family, small_hourglass):
    def train(loaders):
        options = replace(TINY, loaders=loaders)
        trainer = Trainer(small_hourglass(), HeatmapTask(small_family), drawn(5), options)
        return [done.loss for done in trainer.steps()], trainer.result()

    alone, together = train(0), train(3)
    assert alone[0] == together[0]
    assert equal_states(alone[1], together[1])


@pytest.mark.parametrize("stop_after", [1, 3, 4])
def test_resuming_gives_the_weights_of_not_stopping(drawn, small_family, small_hourglass, tmp_path, stop_after):
    options = replace(TINY, average=0.9, warm_up_steps=2, schedule="linear", checkpoint_steps=1)
    whole = Trainer(small_hourglass(), HeatmapTask(small_family), drawn(5), options)
    expected = fit(whole, tmp_path / "whole")
    first = Trainer(small_hourglass(), HeatmapTask(small_family), drawn(5), options)

    class EnoughError(Exception):
        pass

    def leave(progress):
        if progress.done == stop_after:
            raise EnoughError

    with pytest.raises(EnoughError):
        fit(first, tmp_path / "checkpoint", on_progress=leave)
    second = Trainer(small_hourglass(seed=9), HeatmapTask(small_family), drawn(5), options)
    found = fit(second, tmp_path / "checkpoint", resume=True)
    assert equal_states(found, expected)
    assert second.curve == whole.curve


def test_a_nan_loss_is_named_and_the_checkpoint_is_kept(drawn, small_family, small_hourglass, tmp_path):
    network = small_hourglass()
    options = replace(TINY, checkpoint_steps=1)

    def poison(progress):
        if progress.done == 2:
            with torch.no_grad():
                network.score[-1].bias.fill_(float("nan"))

    trainer = Trainer(network, HeatmapTask(small_family), drawn(4), options)
    with pytest.raises(
        TrainingError, match=r"the loss is nan in step 3 of 6.*lower the learning rate.*checkpoint lies"
    ):
        fit(trainer, tmp_path / "checkpoint", on_progress=poison)
    again = Trainer(small_hourglass(), HeatmapTask(small_family), drawn(4), options)
    assert all(t.isfinite().all() for t in fit(again, tmp_path / "checkpoint", resume=True).values())


def test_other_joints_and_no_samples_are_named(drawn, small_family, small_hourglass):
    with pytest.raises(TrainingError, match=r'"hourglass" gives right_ankle.*samples have nose, .*17 of "coco17"'):
        Trainer(small_hourglass(), HeatmapTask(small_family), drawn(2, COCO17), TINY)
    with pytest.raises(TrainingError, match="expected samples, got none"):
        Trainer(small_hourglass(), HeatmapTask(small_family), drawn(0), TINY)


def test_other_options_cannot_be_resumed(drawn, small_family, small_hourglass, tmp_path):
    fit(Trainer(small_hourglass(), HeatmapTask(small_family), drawn(2), TINY), tmp_path / "c")
    other = Trainer(small_hourglass(), HeatmapTask(small_family), drawn(2), replace(TINY, learning_rate=1e-3))
    with pytest.raises(TrainingError, match=r"was trained with learning_rate 0.00025, asked for is 0.001"):
        fit(other, tmp_path / "c", resume=True)
    longer = Trainer(small_hourglass(), HeatmapTask(small_family), drawn(2), replace(TINY, epochs=4))
    fit(longer, tmp_path / "c", resume=True)
    assert len(longer.curve) == 4


def test_validation_is_a_column_of_the_curve(drawn, small_family, small_hourglass, tmp_path):
    trainer = Trainer(small_hourglass(), HeatmapTask(small_family), drawn(2), TINY)
    fit(trainer, tmp_path / "c", validation=drawn(3))
    assert [row["epoch"] for row in trainer.curve] == [1, 2, 3]
    assert all(0 <= row["pckh"] <= 100 for row in trainer.curve)


@pytest.mark.slow
def test_one_step_of_eight_stacks_at_full_size(drawn, small_family):
    family = replace(small_family, preprocessing=replace(small_family.preprocessing, input_size=(256, 256)))
    network = StackedHourglass(HourglassShape(stacks=8))
    before = network.score[0].weight.detach().clone()
    trainer = Trainer(network, HeatmapTask(family), drawn(1), TrainingOptions(epochs=1, batch_size=1))
    losses = [done.loss for done in trainer.steps()]
    assert len(losses) == 1
    assert not torch.equal(before, network.score[0].weight)


def test_what_is_not_known_is_held_to_the_network_as_it_was(drawn, small_family, small_hourglass):
    class Half(drawn):
        """Only the joints with even numbers are labelled."""

        def sample(self, index):
            sample = super().sample(index)
            return replace(sample, weight=(torch.arange(len(sample.weight)) % 2 == 0).float())

    def moved(weight):
        network = small_hourglass()
        options = replace(TINY, epochs=8, distillation=weight)
        before = copy.deepcopy(network).eval()
        list(Trainer(network, heatmap_task(small_family, network, options), Half(4), options).steps())
        pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))
        with torch.no_grad():
            change = (network.eval()(pictures)[-1] - before(pictures)[-1]).square().mean((0, 2, 3))
        return change[0::2].mean(), change[1::2].mean()

    (taught, drifted), (taught_too, held) = moved(0.0), moved(3.0)
    assert held < 0.3 * drifted
    assert taught_too > 0.3 * taught


def test_what_is_held_counts_nothing_before_the_first_step(drawn, small_family, small_hourglass):
    network = small_hourglass(stacks=2).eval()
    batch = make_batch([drawn(1).sample(0)], [Variation(0.0, 1.0, False)], small_family, sigma_px=1.0)
    task = heatmap_task(small_family, network, replace(TINY, distillation=2.0))
    everything = replace(batch, known=torch.ones_like(batch.known))
    assert task.loss(network(batch.inputs), everything) == HeatmapTask(small_family).loss(
        network(batch.inputs), everything
    )
    nothing = replace(batch, known=torch.zeros_like(batch.known))
    last = network(batch.inputs)[-1]
    assert task.loss([last], nothing) == 0
    first = network(batch.inputs)[0]
    assert torch.isclose(task.loss([first], nothing), 2 * (first - last).square().mean())


@given(num=st.integers(1, 40), batch=st.integers(1, 8), seed=st.integers(0, 3))
def test_every_sample_comes_once_an_epoch_and_steps_are_full(num, batch, seed):
    steps = [samples_of_step(num, batch, seed=seed, epoch=2, step=step) for step in range(steps_per_epoch(num, batch))]
    assert all(len(step) == batch for step in steps)
    flat = [index for step in steps for index in step]
    assert sorted(flat[:num]) == list(range(num))


def test_epochs_and_seeds_differ():
    orders = {tuple(samples_of_step(30, 30, seed=s, epoch=e, step=0)) for s in range(3) for e in range(3)}
    assert len(orders) == 9


@given(count=st.sampled_from([1, 2, 4]))
def test_processes_share_a_step_without_overlap(count):
    step = list(range(8))
    parts = [Processes(rank, count).share(step) for rank in range(count)]
    assert sorted(index for part in parts for index in part) == step
    assert len({len(part) for part in parts}) == 1


def test_uneven_shares_are_named():
    with pytest.raises(ConfigError, match="expected a multiple of the 3 processes, got 4"):
        Processes(0, 3).share([0, 1, 2, 3])


class Dropping(torch.nn.Module):
    """A network that leaves things out at random."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, inputs):
        return self.network(torch.nn.functional.dropout(inputs, 0.3, training=self.training))


@pytest.mark.parametrize("stop_after", [None, 2])
def test_a_network_that_draws_numbers_gives_the_same_and_leaves_those_of_others_alone(
    drawn, small_family, small_hourglass, stop_after, tmp_path
):
    def new_trainer():
        return Trainer(Dropping(small_hourglass()), HeatmapTask(small_family), drawn(5), TINY)

    def train(seed_of_others):
        trainer, path = new_trainer(), tmp_path / f"{seed_of_others}"
        torch.manual_seed(seed_of_others)
        before = torch.get_rng_state()
        for number, _ in enumerate(trainer.steps(), 1):
            assert torch.equal(torch.get_rng_state(), before)
            if number == stop_after:
                write_checkpoint(trainer.checkpoint(), path)
                break
        if stop_after is not None:
            trainer = new_trainer()
            trainer.resume(read_checkpoint(path), source="x")
            list(trainer.steps())
        return trainer.result()

    one, whole = train(1), new_trainer()
    list(whole.steps())
    assert equal_states(one, train(2))
    assert equal_states(one, whole.result())
