from dataclasses import replace

import pytest

from poseharvest.errors import ConfigError
from poseharvest.learning.loop.training_options import TrainingOptions


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
