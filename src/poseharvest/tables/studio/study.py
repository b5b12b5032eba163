"""What every subject of an experiment goes through: one place for every choice that changes a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from poseharvest.detectors.network import NetworkDetector
from poseharvest.errors import ConfigError
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.learning.personalize.label_set import LabelSet
from poseharvest.learning.personalize.labels import OVER_TAKES
from poseharvest.learning.personalize.recipe import REFINEMENT
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.studio import ACTIONS
from poseharvest.studio.actions import action_by_name
from poseharvest.tables.request import plain_harvesting, plain_training
from poseharvest.tables.studio.filming import Filming

BODY_ACTION: Final = "Greeting"
"""A take in which people stand and move their arms, so that the network sees all of their limbs."""

INFERENCE: Final = InferenceOptions(floor=0.005, sharpen=2.0)
"""What the shipped hourglass's heatmaps are to the inference; chosen on subjects 11 and 12, whom no table reports."""


class Network(StrEnum):
    """The rows of Table 4: the generic network, and what becomes of it by each label set of Sec. 4.4."""

    GENERIC = "generic"
    HM = "hm"
    HM_SEL = "hm+sel"
    PS = "ps"
    PS_SEL = "ps+sel"

    @property
    def paper_name(self) -> str:
        """As the paper writes it."""
        return "Generic" if self is Network.GENERIC else self.value.replace("hm", "HM").replace("ps", "PS")

    @property
    def labels(self) -> LabelSet:
        """What it was fine-tuned on.

        Raises:
            ConfigError: it is the generic one, which was fine-tuned on nothing.
        """
        if self is Network.GENERIC:
            raise ConfigError("network: the generic one has no labels")
        return LabelSet(self.value)


@dataclass(frozen=True, eq=False)
class Study:
    """What every subject goes through."""

    detector: NetworkDetector
    """The generic network."""

    detector_settings: Mapping[str, Any]
    """What it is, in plain data: results of another one are not used."""

    actions: tuple[str, ...] = tuple(ACTIONS)
    """What every subject performs; a network is fine-tuned on all of them together, as in the paper."""

    body_action: str | None = BODY_ACTION
    """The take from whose generic harvest a subject's limb lengths are learned for all its takes. Takes in which they
    sit hide legs and hips, and give lengths that are a third too short. The paper's lengths are known beforehand. None
    lets every take learn its own."""

    filming: Filming = field(default_factory=Filming)
    """How they are filmed."""

    harvesting: HarvestOptions = field(
        default_factory=lambda: HarvestOptions(inference=INFERENCE, num_previews=0, ignore_audit=True)
    )
    """The 3D inference and the selection."""

    training: TrainingOptions = REFINEMENT
    """The fine-tuning; the seed is the subject's."""

    learned_share: float = 0.7
    """Of every action's frames, the first ones, that networks are fine-tuned on; they are judged on the others."""

    def __post_init__(self) -> None:
        if not self.actions:
            raise ConfigError("actions: expected one or more, got none")
        for action in (*self.actions, *([] if self.body_action is None else [self.body_action])):
            action_by_name(action)
        if not 0 < self.learned_share <= 1:
            raise ConfigError(f"learned share: expected a share above 0 up to 1, got {self.learned_share}")

    @property
    def learned(self) -> range:
        """The frames of every action that are learned from."""
        return range(max(1, round(self.learned_share * self.filming.num_frames)))

    @property
    def judged(self) -> range:
        """The frames that nothing was learned from; all, if all are learned from."""
        held_out = range(self.learned.stop, self.filming.num_frames)
        return held_out or range(self.filming.num_frames)

    def harvest_settings(self) -> dict[str, Any]:
        """Return what a harvest by the generic network depends on, in plain data."""
        return {
            "detector": dict(self.detector_settings),
            "filming": self.filming.as_dict(),
            "harvesting": plain_harvesting(self.harvesting),
            "body_action": self.body_action,
        }

    def training_settings(self) -> dict[str, Any]:
        """Return what a fine-tuned network depends on beyond that."""
        return {
            "actions": list(self.actions),
            "learned_frames": self.learned.stop,
            "selected_over": OVER_TAKES,
            "training": plain_training(replace(self.training, seed=0)),
        }
