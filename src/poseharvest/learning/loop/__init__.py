"""The training loop that all tasks share: samples, variation, steps, checkpoints, an end that loses nothing.

It knows no task. Start with `steps`, then `fit`.
"""

from __future__ import annotations

from poseharvest.learning.loop.samples import SampleSource, TrainingSample
from poseharvest.learning.loop.steps import Trainer
from poseharvest.learning.loop.training_options import TrainingOptions

__all__ = ["SampleSource", "Trainer", "TrainingOptions", "TrainingSample"]
