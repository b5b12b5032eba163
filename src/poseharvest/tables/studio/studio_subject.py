"""One subject of the studio: filmed, harvested, learned from, harvested again, judged (Sec. 3.4, 4.4).

Everything is made on request, and is then a finished unit on the disk. So an interrupted experiment continues where
it stopped. The truth is used by `judged` alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

from poseharvest.annotations.reader import Harvest
from poseharvest.detectors.network import NetworkDetector
from poseharvest.detectors.registry import load_detector
from poseharvest.errors import NobodyFoundError
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.learning.heatmaps2d.network_files import write_weights
from poseharvest.learning.loop.fit import report_steps
from poseharvest.learning.personalize.finetune import trainable
from poseharvest.learning.personalize.labels import labels_of_takes, require_enough
from poseharvest.learning.personalize.takes import LabelledTake, learn_from_takes
from poseharvest.learning.pose3d.train_poses import common_lengths
from poseharvest.progress import OnProgress, with_prefix
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.storage.finished_units import UnitStore
from poseharvest.tables.studio.filming import Take, film
from poseharvest.tables.studio.judged_poses import JudgedPoses, judge_poses, read_judged, write_judged
from poseharvest.tables.studio.study import Network, Study

_logger = logging.getLogger(__name__)

FOOTAGE, HARVEST, WEIGHTS, JUDGED = "footage", "harvest", "weights.safetensors", "judged.json"
_LEAST_PICTURES: Final = 4


@dataclass(frozen=True, eq=False)
class StudioSubject:
    """A subject with its footage, harvests and networks.

    Attributes:
        number: who; a number has the same body and clothes in every experiment.
        seed: of motion, rooms and light, and of the fine-tuning.
        study: what it goes through.
        store: where finished units lie.
        on_progress: hears how far it is.
    """

    number: int
    seed: int
    study: Study
    store: UnitStore
    on_progress: OnProgress

    def take(self, action: str) -> Take:
        """Return an action's footage with its truth."""
        settings = {"filming": self.study.filming.as_dict()}
        folder = self.store.ensure(self._unit("film", action), settings, partial(self._film, action))
        return self._film(action, folder)

    def harvest(self, network: Network, action: str) -> Harvest | None:
        """Return the harvest of an action by a network, or None if nobody was found in it."""
        folder = self._ensure(("harvest", network.value, action), network, partial(self._harvest, network, action))
        return Harvest.open(folder / HARVEST) if (folder / HARVEST).is_dir() else None

    @cached_property
    def limb_lengths(self) -> LimbLengths | None:
        """The subject's limb lengths by the generic harvest of its body take; None if every take learns its own."""
        action = self.study.body_action
        harvested = None if action is None else self.harvest(Network.GENERIC, action)
        return None if harvested is None else common_lengths([harvested])

    def detector(self, network: Network) -> NetworkDetector:
        """Return a network: the generic one, or one that was fine-tuned on this subject.

        Raises:
            TrainingError: there are too few labels, the loss is not finite, or the run was interrupted.
        """
        return self._detectors(network)

    def judged(self, network: Network, action: str) -> JudgedPoses:
        """Return how wrong the harvest of an action by a network is; it holds no poses if nobody was found."""
        folder = self._ensure(("judged", network.value, action), network, partial(self._judge, network, action))
        return read_judged(folder / JUDGED)

    def is_judged(self, network: Network, action: str) -> bool:
        """Return whether that judgement exists already."""
        name = self._unit("judged", network.value, action)
        return self.store.finished(name, self._settings(network)) is not None

    @property
    def work(self) -> tuple[Path, ...]:
        """The folders that are large and not needed after all is judged."""
        return tuple(self.store.path(self._unit(kind)) for kind in ("film", "harvest"))

    @cached_property
    def _detectors(self) -> Callable[[Network], NetworkDetector]:
        loaded: dict[Network, NetworkDetector] = {Network.GENERIC: self.study.detector}

        def get(network: Network) -> NetworkDetector:
            if network not in loaded:
                loaded[network] = self._load(network)
            return loaded[network]

        return get

    def _load(self, network: Network) -> NetworkDetector:
        folder = self._ensure(("network", network.value), network, partial(self._learn, network))
        return self.study.detector.with_network(trainable(load_detector(folder / WEIGHTS)).network)

    def _film(self, action: str, folder: Path) -> Take:
        report = self._with_prefix(action)
        return film(self.number, action, self.seed, folder / FOOTAGE, filming=self.study.filming, on_progress=report)

    def _harvest(self, network: Network, action: str, folder: Path) -> None:
        detector, take = self.detector(network), self.take(action)
        is_body_take = network is Network.GENERIC and action == self.study.body_action
        lengths = None if is_body_take else self.limb_lengths
        try:
            harvest(
                take.capture,
                detector,
                folder / HARVEST,
                options=self.study.harvesting,
                limb_lengths=lengths,
                overwrite=True,
                on_progress=self._with_prefix(f"{action}, {network.paper_name}"),
            )
        except NobodyFoundError:
            _logger.info("%s: nobody found by the network %s", take.capture.name, network.value)

    def _learn(self, network: Network, folder: Path) -> None:
        takes = self._labelled(network)
        require_enough([label for take in takes for label in take.labels], network.labels, num_pictures=_LEAST_PICTURES)
        learned = learn_from_takes(
            self.study.detector,
            takes,
            folder,
            options=replace(self.study.training, seed=self.seed),
            resume=True,
            on_frame=lambda _: None,
            on_step=report_steps(self._with_prefix(network.paper_name)),
        )
        write_weights(learned, folder / WEIGHTS)

    def _labelled(self, network: Network) -> list[LabelledTake]:
        """Return all actions in which somebody was found and something is to be learned."""
        harvests = {action: self.harvest(Network.GENERIC, action) for action in self.study.actions}
        with_people = {action: harvested for action, harvested in harvests.items() if harvested is not None}
        labels = labels_of_takes(list(with_people.values()), network.labels, [self.study.learned] * len(with_people))
        return [
            LabelledTake(self.take(action).capture, with_people[action].skeleton, of_take)
            for action, of_take in zip(with_people, labels, strict=True)
            if of_take
        ]

    def _judge(self, network: Network, action: str, folder: Path) -> None:
        judged = judge_poses(self.harvest(network, action), self.take(action).truth)
        description = {"subject": self.number, "seed": self.seed, "network": network.value, "action": action}
        write_judged(judged, folder / JUDGED, description)

    def _ensure(self, name: tuple[str, ...], network: Network, make: Callable[[Path], None]) -> Path:
        return self.store.ensure(self._unit(*name), self._settings(network), make)

    def _unit(self, *name: str) -> tuple[str, ...]:
        return (f"subject-{self.number}", f"seed-{self.seed}", *name)

    def _settings(self, network: Network) -> dict[str, Any]:
        settings = self.study.harvest_settings()
        return settings if network is Network.GENERIC else {**settings, **self.study.training_settings()}

    def _with_prefix(self, prefix: str) -> OnProgress:
        return with_prefix(self.on_progress, f"subject {self.number}, seed {self.seed}: {prefix}")
