from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.errors import ConfigError
from poseharvest.learning.loop.processes import Processes
from poseharvest.learning.loop.steps import samples_of_step, steps_per_epoch
from poseharvest.learning.loop.training_options import TrainingOptions


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


def test_the_learning_rate_rises_and_falls():
    options = TrainingOptions(learning_rate=1.0, warm_up_steps=3, schedule="linear")
    rates = [options.rate(step, 10) for step in range(10)]
    assert rates[:3] == pytest.approx([0.25, 0.5 * 0.9, 0.75 * 0.8])
    assert rates[3:] == pytest.approx([0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    assert {replace(options, warm_up_steps=0, schedule="constant").rate(s, 10) for s in range(10)} == {1.0}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs: expected 1 or more, got 0"),
        ({"learning_rate": 0.0}, "learning_rate: expected a number above 0"),
        ({"average": 1.0}, "average: expected a decay of 0 to below 1"),
        ({"schedule": "cosine"}, 'schedule: expected "constant" or "linear", got "cosine"'),
        ({"distillation": -1.0}, "distillation: expected a weight of 0 or more"),
        ({"clip_norm": -1.0}, "clip_norm: expected a number above 0"),
        ({"device": "tpu:9"}, 'device: "tpu:9" cannot be used'),
    ],
)
def test_wrong_options_are_named(wrong, message):
    with pytest.raises(ConfigError, match=message):
        TrainingOptions(**wrong)
