"""A review: what the page asks for, and the decisions that it makes. Answers are plain data; one question at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from poseharvest.annotations.info import INFO_FILE
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.reviews import Decision, Place, Reviews, ReviewWriter, described, draft_move
from poseharvest.diagnosis.spread import plain_name, side_of_joint, side_of_limb
from poseharvest.errors import FormatError, StoreError
from poseharvest.reading.foreign_records import checked
from poseharvest.report.joint_order import reading_order
from poseharvest.review.moments import Moments, sigma_of_joint
from poseharvest.review.shown_pictures import ShownPictures
from poseharvest.review.worst_joints import JointSigmas


@dataclass(frozen=True)
class ReviewOptions:
    """How to review.

    Attributes:
        most: joints in the list.
        with_unsupported: list joints that no two views show as well.
        by: who decides.
        capture: where the footage lies now; None takes the place that the harvest names.
    """

    most: int = 80
    with_unsupported: bool = False
    by: str | None = None
    capture: Path | None = None


class Asked(BaseModel):
    """What the page sends: a joint, and what is to become of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame: int = Field(ge=0)
    person: int = Field(ge=0)
    joint: str
    decision: str = "move"
    pixels: dict[str, tuple[FiniteFloat, FiniteFloat]] = Field(default_factory=dict)

    @property
    def place(self) -> Place:
        """The joint."""
        return (self.frame, self.person, self.joint)


class ReviewSession:
    """The review of one harvest, as the only writer of its decisions.

    Args:
        harvest: the harvest.
        options: how.

    Raises:
        StoreError: another process reviews it, or its decisions are damaged or of another harvest.
        CaptureError: the footage is not where `options.capture` says.
    """

    def __init__(self, harvest: Harvest, options: ReviewOptions) -> None:
        self.harvest, self._options = harvest.without_reviews(), options
        self._sigmas = JointSigmas.of(self.harvest)
        self._moments = Moments(self.harvest, self._sigmas)
        self.pictures = ShownPictures.of(self.harvest, options.capture)
        self._lock = Lock()
        self._stamp = self._stamp_now()
        self._writer = ReviewWriter(harvest.path, harvest.info, options.by)

    def __enter__(self) -> ReviewSession:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the decisions back to other writers, once none is being written."""
        with self._lock:
            self._writer.close()

    @property
    def reviews(self) -> Reviews:
        """The decisions so far."""
        return self._writer.reviews

    @property
    def facts(self) -> dict[str, Any]:
        """What the page knows from its start."""
        skeleton = self.harvest.skeleton
        ends = [(skeleton.index(limb.parent), skeleton.index(limb.child)) for limb in skeleton.limbs]
        return {
            "capture": self.harvest.info.capture.name,
            "joints": [
                {"name": name, "label": plain_name(name), "side": side_of_joint(skeleton, name)}
                for name in skeleton.joints
            ],
            "order": list(reading_order(skeleton)),
            "limbs": [
                {"parent": parent, "child": child, "side": side_of_limb(skeleton, limb)}
                for (parent, child), limb in zip(ends, skeleton.limbs, strict=True)
            ],
            "views": [{"name": v.name, "width": v.width, "height": v.height} for v in self.harvest.info.views],
            "people": len({int(person) for person in self._sigmas.people}),
            "missing": self.pictures.missing,
        }

    def queue(self, joint: str | None) -> dict[str, Any]:
        """Return the joints to look at, worst first, with what was decided about each.

        Raises:
            StoreError: there is no such joint.
        """
        if joint is not None and joint not in self.harvest.skeleton.joints:
            raise StoreError(f'expected a joint of the harvest, got "{joint}"')
        listed = self._sigmas.worst(self._options.most, joint=joint, with_unsupported=self._options.with_unsupported)
        with self._lock:
            standing = self.reviews.standing
        return {
            "joints": [
                {
                    **_plain_place(one.place),
                    "sigma_mm": round(one.sigma_mm, 2),
                    "decision": standing[one.place].decision if one.place in standing else None,
                }
                for one in listed
            ],
            "decisions": len(standing),
        }

    def moment(self, place: Place) -> dict[str, Any]:
        """Return a joint in every view, with the decision about it if there is one.

        Raises:
            StoreError: there is no such joint, person or frame.
        """
        with self._lock:
            return self._shown(place, self.reviews.standing)

    def preview(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return a joint as it would be after it is dragged to some pixels; nothing is written.

        Raises:
            FormatError: what the page sent is not understood.
            StoreError: there is no such joint or view, or a camera does not see it.
        """
        wanted = checked(Asked, request, "preview")
        draft = draft_move(wanted.place, wanted.pixels, self.harvest.info)
        with self._lock:
            return self._shown(wanted.place, {**self.reviews.standing, wanted.place: draft})

    def decide(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Write a decision; when this returns, it is on the disk.

        Raises:
            FormatError: what the page sent is not understood.
            StoreError: the decision means nothing, the harvest was replaced meanwhile, or it cannot be written.
        """
        wanted = checked(Asked, request, "decision")
        with self._lock:
            self._check_same_harvest()
            pixels = wanted.pixels if wanted.decision == "move" else {}
            if wanted.decision == "move":
                draft = draft_move(wanted.place, pixels, self.harvest.info)
                self._moments.pose(wanted.place, {wanted.place: draft})  # that it can be computed
            else:
                self._moments.record(*wanted.place[:2])
            self._writer.decide(wanted.place, wanted.decision, pixels)
            return {"decisions": len(self.reviews.standing), **self._shown(wanted.place, self.reviews.standing)}

    def undo(self) -> dict[str, Any]:
        """Take back the last decision that stands, and return its joint.

        Raises:
            FormatError: there is none.
        """
        with self._lock:
            self._check_same_harvest()
            if not self.reviews.order:
                raise FormatError("there is no decision to take back")
            place = self.reviews.order[-1]
            self._writer.decide(place, "undo")
            return {"decisions": len(self.reviews.standing), **self._shown(place, self.reviews.standing)}

    def _shown(self, place: Place, decisions: Mapping[Place, Decision]) -> dict[str, Any]:
        if place[2] not in self.harvest.skeleton.joints:
            raise StoreError(f'expected a joint of the harvest, got "{place[2]}"')
        shown = self._moments.pose(place, decisions)
        channel, decision = self.harvest.skeleton.index(place[2]), decisions.get(place)
        return {
            **_plain_place(place),
            "time_s": round(shown.row.annotations.time_s, 3),
            "sigma_mm": round(sigma_of_joint(shown, channel), 2),
            "harvested_mm": round(float(shown.row.sigma_mm[channel]), 2),
            "selected": bool(shown.row.selected[channel]),
            "supported": bool(shown.row.annotations.supported[channel]),
            "decision": None if decision is None else decision.decision,
            "dragged": {} if decision is None else {name: list(xy) for name, xy in decision.pixels.items()},
            "warning": shown.warning,
            "views": self._moments.views(place, shown),
        }

    def _check_same_harvest(self) -> None:
        if self._stamp_now() != self._stamp:
            raise StoreError(
                f"{self.harvest.path}: was replaced since the review began: end the review, and begin again"
            )

    def _stamp_now(self) -> tuple[int, int] | None:
        """Return what changes when the folder is replaced; None if it is gone."""
        try:
            about = (self.harvest.path / INFO_FILE).stat()
        except OSError:
            return None
        return (about.st_ino, about.st_mtime_ns)


def _plain_place(place: Place) -> dict[str, Any]:
    return {"frame": place[0], "person": place[1], "joint": place[2], "label": described(place)}
