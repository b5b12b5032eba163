"""The detector of a harvest, with pictures the right way up for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from poseharvest.capture.frames import FrameSource, MultiViewFrame, facts_of
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.errors import ConfigError
from poseharvest.findings import Finding
from poseharvest.localization.find.picture_turns import Turns, find_upright, turn_detector

_TOPIC = "turned pictures"
_PLACES = (0.0, 0.5, 0.8)  # of the frames, where people are looked for


@dataclass(frozen=True, eq=False)
class UprightDetector:
    """A detector that sees people the right way up.

    Attributes:
        detector: sees them so.
        findings: what was taken, where anything is turned.
    """

    detector: HeatmapDetector
    findings: tuple[Finding, ...] = ()


def upright_detector(capture: FrameSource, detector: HeatmapDetector, start: int, stop: int) -> UprightDetector:
    """Return the detector with its pictures turned so that people stand in them.

    `capture.toml` says how; where it does not, a few frames tell. A detector that looks at no pictures stays as it is.

    Args:
        capture: the footage with its cameras.
        detector: a network.
        start: first frame of the harvest.
        stop: frame before which it stops.

    Raises:
        ConfigError: the settings turn a view that is not there.
    """
    if not detector.needs_images:
        return UprightDetector(detector)
    said = facts_of(capture).turn
    cameras = capture.rig.at(start)
    if said is not None:
        turns = _as_said(said, capture.rig.names)
        return UprightDetector(turn_detector(detector, cameras, turns), _note(capture, turns, "as capture.toml says"))
    found = find_upright(detector, _Moments(capture, start, stop), cameras)
    turns = found.verdict.turns
    why = "the network sees people best so" if found.verdict.is_sure else "the other cameras suggest it"
    return UprightDetector(found.detector, _note(capture, turns, why))


def _as_said(said: int | Mapping[str, int], views: tuple[str, ...]) -> Turns:
    by_view = dict.fromkeys(views, said) if isinstance(said, int) else said
    unknown = [view for view in by_view if view not in views]
    if unknown:
        raise ConfigError(f"turn: expected views among {', '.join(views)}, got {', '.join(unknown)}")
    return tuple(by_view.get(view, 0) for view in views)


@dataclass(frozen=True, eq=False)
class _Moments:
    """A few moments from all over the harvest; each is read when it is asked for, once."""

    capture: FrameSource
    start: int
    stop: int
    read: dict[int, MultiViewFrame] = field(default_factory=dict)

    def __iter__(self) -> Iterator[MultiViewFrame]:
        for number in sorted({self.start + int(place * (self.stop - self.start)) for place in _PLACES}):
            if number not in self.read:
                self.read[number] = next(iter(self.capture.frames(number, number + 1)))
            yield self.read[number]


def _note(capture: FrameSource, turns: Turns, why: str) -> tuple[Finding, ...]:
    """Return what was turned, in one finding; none where nothing is."""
    if not any(turns):
        return ()
    parts = [
        f"{', '.join(name for name, turn in zip(capture.rig.names, turns, strict=True) if turn == degrees)} "
        f"by {degrees} degrees clockwise"
        for degrees in sorted(set(turns) - {0})
    ]
    message = (
        f"pictures were turned for the network, so that people stand in them: {'; '.join(parts)} ({why}). "
        "If that is wrong, say it in capture.toml: turn = 0, or [turn] with degrees for each view"
    )
    return (Finding("note", _TOPIC, message),)
