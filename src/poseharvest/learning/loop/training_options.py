"""Every choice of a training, with its default and the paper's value."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from poseharvest.devices import check_device
from poseharvest.errors import ConfigError
from poseharvest.learning.loop.augmentation import Augmentation

Schedule = Literal["constant", "linear"]

_MAY_CHANGE = frozenset({"epochs", "device", "checkpoint_steps", "loaders"})


@dataclass(frozen=True)
class TrainingOptions:
    """How a network is trained; the defaults are the paper's recipe (Sec. 4.2, choice D10)."""

    epochs: int = 4
    """Passes through the samples; Sec. 3.4: four for refinement."""

    batch_size: int = 4
    """Pictures a step, over all processes; D10: 4."""

    learning_rate: float = 2.5e-4
    """Of RMSprop; D10: 2.5e-4."""

    schedule: Schedule = "constant"
    """The learning rate stays (the paper's), or falls linearly to zero at the last step."""

    warm_up_steps: int = 0
    """Steps over which the learning rate rises to its value. RMSprop's first steps are up to ten times longer than
    later ones, as its mean of squares starts at zero: a trained network needs a warm-up."""

    average: float = 0.0
    """Decay of a running mean over the weights that is the result in place of the last weights; 0 takes the last."""

    sigma_px: float = 1.0
    """Standard deviation of the targets' Gaussians, pixels of the heatmaps; Sec. 3.4: 1."""

    augmentation: Augmentation = field(default_factory=Augmentation)
    """How pictures are varied."""

    frozen_norms: bool = False
    """Keep the statistics of batch norm: for fine-tuning, where pictures of one scene would distort them."""

    distillation: float = 0.0
    """Weight of the error that holds the heatmaps of unknown joints to those of the network before the training; known
    joints have the weight 1. 0 leaves unknown joints out of the loss (Sec. 3.4)."""

    clip_norm: float | None = None
    """Largest norm of a step's gradient; longer ones are scaled down. None scales none."""

    seed: int = 0
    """Of the order of the samples, their variation, and the first weights."""

    device: str = "cpu"
    """Where the network is trained."""

    checkpoint_steps: int = 500
    """Steps between checkpoints; there is one after every epoch as well."""

    loaders: int = 0
    """Threads that prepare the next steps' pictures during a step; 0 prepares them between the steps. They help on a
    GPU, and change no result."""

    def __post_init__(self) -> None:
        self._check_numbers()
        if not 0 <= self.average < 1:
            raise ConfigError(f"average: expected a decay of 0 to below 1, got {self.average}")
        if self.schedule not in {"constant", "linear"}:
            raise ConfigError(f'schedule: expected "constant" or "linear", got "{self.schedule}"')
        check_device(self.device)

    def _check_numbers(self) -> None:
        least = {"epochs": 1, "batch_size": 1, "checkpoint_steps": 1, "warm_up_steps": 0, "seed": 0, "loaders": 0}
        for name, minimum in least.items():
            if getattr(self, name) < minimum:
                raise ConfigError(f"{name}: expected {minimum} or more, got {getattr(self, name)}")
        if not 0 <= self.distillation < math.inf:
            raise ConfigError(f"distillation: expected a weight of 0 or more, got {self.distillation}")
        for name in ("learning_rate", "sigma_px", "clip_norm"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name}: expected a number above 0, got {value}")

    def as_dict(self) -> dict[str, Any]:
        """Return every option in plain data."""
        return asdict(self)

    def lasting_as_dict(self) -> dict[str, Any]:
        """Return the options that must not change when a training is resumed; its length and device may."""
        free = _MAY_CHANGE if self.schedule == "constant" else _MAY_CHANGE - {"epochs"}
        return {name: value for name, value in self.as_dict().items() if name not in free}

    def rate(self, step: int, num_steps: int) -> float:
        """Return the learning rate of a step, counted from 0 over all epochs."""
        falling = 1 - step / num_steps if self.schedule == "linear" else 1.0
        rising = min(1.0, (step + 1) / (self.warm_up_steps + 1))
        return self.learning_rate * falling * rising
