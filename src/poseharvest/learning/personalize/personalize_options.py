"""Every choice of a personalisation, with its default and the paper's value."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from poseharvest.errors import ConfigError
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.learning.personalize.label_set import LabelSet
from poseharvest.learning.personalize.recipe import REFINEMENT


@dataclass(frozen=True)
class PersonalizationOptions:
    """How a detector is adapted to a capture."""

    labels: LabelSet = LabelSet.PS_SEL
    """What is learned; Sec. 4.4: the reliable joints of the 3D estimate, projected."""

    training: TrainingOptions = REFINEMENT
    """The fine-tuning."""

    rounds: int = 1
    """Most rounds of learning and harvesting again; the paper's is 1. They end when one no longer helps."""

    held_out: float = 0.2
    """Share of the harvested frames, the last ones, that nothing is learned from: before and after are compared on
    them. With 0 all are learned from and compared on, which is too optimistic."""

    teach_share: float = 1.0
    """Share of the poses to learn from, above 0 to 1: those that tell most, sure ones that are unlike each other. The
    training takes as many steps as with all of them."""

    min_pictures: int = 16
    """Fewer pictures with labels are an error."""

    max_pictures: int = 8000
    """More pictures are thinned out evenly; each takes 0.6 MB on the disk while the network learns."""

    min_gain: float = 0.01
    """A round helps if it lowers the cameras' disagreement by at least this share."""

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ConfigError(f"rounds: expected 1 or more, got {self.rounds}")
        if not 0 <= self.held_out < 1:
            raise ConfigError(f"held_out: expected a share of 0 to below 1, got {self.held_out}")
        if not 0 < self.teach_share <= 1:
            raise ConfigError(f"teach_share: expected a share above 0 to 1, got {self.teach_share}")
        if not 1 <= self.min_pictures <= self.max_pictures:
            raise ConfigError(
                f"min_pictures, max_pictures: expected 1 or more and no less, got {self.min_pictures}, "
                f"{self.max_pictures}"
            )

    @property
    def training_of_share(self) -> TrainingOptions:
        """The training, with as many more passes as there are fewer pictures."""
        return replace(self.training, epochs=max(1, round(self.training.epochs / self.teach_share)))

    def as_dict(self) -> dict[str, Any]:
        """Return every option in plain data."""
        return {**asdict(self), "labels": self.labels.value}
