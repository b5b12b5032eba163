"""The training loop that all tasks share: samples, variation, steps, checkpoints, an end that loses nothing.

It knows no task. Start with `steps`, then `fit`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.learning.loop.samples import SampleSource, TrainingSample
    from poseharvest.learning.loop.steps import Trainer
    from poseharvest.learning.loop.training_options import TrainingOptions
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["SampleSource", "Trainer", "TrainingOptions", "TrainingSample"]
