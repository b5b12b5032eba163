"""The recipe of fine-tuning a network (Sec. 3.4, 4.2)."""

from __future__ import annotations

from poseharvest.learning.loop.training_options import TrainingOptions

REFINEMENT = TrainingOptions(epochs=4, frozen_norms=True, warm_up_steps=20, schedule="linear")
"""The paper's recipe (Sec. 3.4, 4.2) with what makes it steady on little footage."""
