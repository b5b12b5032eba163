"""What people decided about the joints of a harvest: a file beside its folder that only grows (docs/review.md).

`walk` has its decisions in `walk.reviews.jsonl`. They lie beside the folder and not in it, since a harvest is replaced
as a whole: the decisions of a person are not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from poseharvest import __version__
from poseharvest.annotations.info import HarvestInfo
from poseharvest.errors import StoreError
from poseharvest.findings import Finding
from poseharvest.reading.foreign_records import checked
from poseharvest.storage.append_log import AppendLog, LogContent, read_log

REVIEWS_FORMAT: Final = "poseharvest reviews"
REVIEWS_VERSION: Final = 1
REVIEWS_SUFFIX: Final = ".reviews.jsonl"

Place = tuple[int, int, str]
"""Frame, person and joint."""


Pixel = Annotated[FiniteFloat, Field(ge=-1e6, le=1e6)]
"""A coordinate of a place in a picture, or not far from it."""


class Decision(BaseModel):
    """What a person decided about one joint in one frame."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame: int = Field(ge=0)
    person: int = Field(ge=0)
    joint: str
    decision: Literal["accept", "reject", "move", "undo"] = Field(
        description="accept: right as it is; reject: wrong; move: dragged to its place; undo: takes back the decision "
        "about this joint before"
    )
    pixels: dict[str, tuple[Pixel, Pixel]] = Field(
        default_factory=dict, description="for move: x and y in the picture of each view in which it was dragged"
    )
    by: str | None = Field(default=None, max_length=200, description="who decided")
    when: str = Field(description="UTC, ISO 8601")

    @model_validator(mode="after")
    def _has_pixels_if_moved(self) -> Decision:
        if (self.decision == "move") != bool(self.pixels):
            raise ValueError('pixels: expected those of one view or more for "move", and none for another decision')
        return self

    @property
    def place(self) -> Place:
        """The joint that it is about."""
        return (self.frame, self.person, self.joint)


@dataclass(frozen=True)
class Reviews:
    """The decisions about a harvest.

    Attributes:
        path: the file.
        sha256: of its whole lines, hexadecimal.
        history: the decisions of each joint that were not taken back, in order; the last one holds.
        order: the places of these decisions in the order in which they were made.
        findings: what a person should know of the file.
    """

    path: Path
    sha256: str
    history: Mapping[Place, tuple[Decision, ...]] = field(default_factory=dict)
    order: tuple[Place, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def standing(self) -> dict[Place, Decision]:
        """The decision that holds for each joint about which there is one."""
        return {place: decisions[-1] for place, decisions in self.history.items()}

    @property
    def provenance(self) -> dict[str, Any]:
        """What results say of the decisions that they rest on, as plain data."""
        counts = dict.fromkeys(("accept", "reject", "move"), 0)
        for decision in self.standing.values():
            counts[decision.decision] += 1
        return {"file": self.path.name, "sha256": self.sha256, "decisions": len(self.standing), **counts}

    @property
    def in_words(self) -> str:
        """How many decisions there are, of which kind, and in which file."""
        counts = self.provenance
        return (
            f"the decisions of a review are in it: {counts['accept']} accepted, {counts['reject']} rejected, "
            f"{counts['move']} moved ({self.path}, SHA-256 {self.sha256[:16]})"
        )

    def after(self, decision: Decision) -> Reviews:
        """Return the decisions with one more, which may take back the one before.

        Raises:
            StoreError: there is nothing to take back.
        """
        history, order = dict(self.history), list(self.order)
        before = history.pop(decision.place, ())
        if decision.decision == "undo":
            if not before:
                raise StoreError(f"{self.path}: there is no decision on {described(decision.place)} to take back")
            before = before[:-1]
            order.reverse()
            order.remove(decision.place)
            order.reverse()
        else:
            before = (*before, decision)
            order.append(decision.place)
        if before:
            history[decision.place] = before
        return replace(self, history=history, order=tuple(order))


class ReviewWriter:
    """Adds decisions to the file of a harvest, as its only writer.

    Args:
        folder: the folder of the harvest.
        info: the content of its `harvest.json`.
        by: who decides.

    Attributes:
        reviews: the decisions so far.

    Raises:
        StoreError: another process reviews this harvest, the file is of another harvest or damaged, or cannot be
            written.
    """

    def __init__(self, folder: Path, info: HarvestInfo, by: str | None = None) -> None:
        self._by, self._info = by, info
        versions = {"version": REVIEWS_VERSION, "poseharvest": __version__}
        self._log = AppendLog(reviews_path(folder), REVIEWS_FORMAT, {**versions, **_identity(info)})
        with ExitStack() as stack:
            stack.callback(self.close)
            self.reviews = _reviews(self._log.path, self._log.content, info)
            if self.reviews.findings:
                raise StoreError(f"{self.reviews.findings[0].message}: move that file away to review this harvest")
            stack.pop_all()

    def decide(self, place: Place, decision: str, pixels: Mapping[str, tuple[float, float]] | None = None) -> Decision:
        """Write a decision. When this returns it is on the disk.

        Raises:
            StoreError: there is no such joint or view, there is nothing to take back, or it cannot be written.
        """
        frame, person, joint = place
        values = {
            "frame": frame,
            "person": person,
            "joint": joint,
            "decision": decision,
            "pixels": dict(pixels or {}),
            "by": self._by,
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        made = checked(Decision, values, "decision", error=StoreError)
        _check_names(made, self._info, "decision")
        after = self.reviews.after(made)
        self._log.append(made.model_dump(exclude_defaults=True))
        self.reviews = after
        return made

    def close(self) -> None:
        """Give the file back to other writers."""
        self._log.close()


def draft_move(place: Place, pixels: Mapping[str, tuple[float, float]], info: HarvestInfo) -> Decision:
    """Return a decision that moves a joint, which is written nowhere.

    Raises:
        StoreError: there is no such joint or view, or no pixel.
    """
    frame, person, joint = place
    values = {"frame": frame, "person": person, "joint": joint, "decision": "move", "pixels": dict(pixels), "when": ""}
    made = checked(Decision, values, "decision", error=StoreError)
    _check_names(made, info, "decision")
    return made


def reviews_path(folder: Path) -> Path:
    """Return the path of the decisions about a harvest, beside its folder."""
    real = Path(os.path.realpath(folder))
    return real.with_name(f"{real.name}{REVIEWS_SUFFIX}")


def read_reviews(folder: Path, info: HarvestInfo) -> Reviews | None:
    """Return the decisions about a harvest; None if there is no file of them.

    Decisions about another harvest, which had this name before, are not among them: a finding says so.

    Raises:
        StoreError: the file is damaged, or from a newer version.
    """
    path = reviews_path(folder)
    content = read_log(path, REVIEWS_FORMAT)
    return None if content is None else _reviews(path, content, info)


def described(place: Place) -> str:
    """Return a joint in words.

    >>> described((12, 0, "left_wrist"))
    'left wrist of person 0 in frame 12'
    """
    frame, person, joint = place
    return f"{joint.replace('_', ' ')} of person {person} in frame {frame}"


def _reviews(path: Path, content: LogContent, info: HarvestInfo) -> Reviews:
    version = content.head.get("version")
    if version != REVIEWS_VERSION:
        raise StoreError(
            f"{path}: expected version {REVIEWS_VERSION} of the format, got {version}: upgrade poseharvest"
        )
    known = {key: content.head.get(key) for key in _identity(info)}
    if known != _identity(info):
        message = (
            f"{path}: its {len(content.records)} decisions are about the harvest of {known['capture']} that was made "
            f"at {known['created']}, this one is of {info.capture.name} at {info.created}: they were not applied"
        )
        return Reviews(path, content.sha256, findings=(Finding("warning", "review", message),))
    return _replayed(path, content, info)


def _replayed(path: Path, content: LogContent, info: HarvestInfo) -> Reviews:
    reviews = Reviews(path, content.sha256)
    history: dict[Place, list[Decision]] = {}
    order: dict[int, Place] = {}
    numbers: dict[Place, list[int]] = {}
    for number, record in enumerate(content.records):
        where = f"{path}: line {number + 2}: is damaged"
        decision = checked(Decision, record, where, error=StoreError)
        _check_names(decision, info, where)
        made, places = history.setdefault(decision.place, []), numbers.setdefault(decision.place, [])
        if decision.decision != "undo":
            made.append(decision)
            places.append(number)
            order[number] = decision.place
        elif made:
            made.pop()
            del order[places.pop()]
        else:
            raise StoreError(f"{where}: there is no decision on {described(decision.place)} to take back")
    standing = {place: tuple(made) for place, made in history.items() if made}
    return replace(reviews, history=standing, order=tuple(order.values()))


def _check_names(decision: Decision, info: HarvestInfo, where: str) -> None:
    joints, views = info.skeleton.joints, [view.name for view in info.views]
    _check_known("joint", [decision.joint], joints, where)
    _check_known("view", decision.pixels, views, where)


def _check_known(kind: str, names: Iterable[str], known: Iterable[str], where: str) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise StoreError(f'{where}: expected a {kind} of the harvest, one of {", ".join(known)}, got "{unknown[0]}"')


def _identity(info: HarvestInfo) -> dict[str, Any]:
    """Return what stays the same when a harvest is selected or recalibrated again, and no other harvest has."""
    return {"capture": info.capture.name, "created": info.created}
