"""The detector of a harvest, with pictures turned upright for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from poseharvest.capture.frames import FrameSource, MultiViewFrame, facts_of
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.errors import ConfigError
from poseharvest.findings import Finding
from poseharvest.localization.find.picture_turns import Turns, find_upright, turn_detector

_TOPIC = "turned pictures"
_PLACES = (0.0, 0.5, 0.8)  # of the frames, where people are searched


@dataclass(frozen=True, eq=False)
class UprightDetector:
    """A detector that sees people upright.

    Attributes:
        detector: the detector with turned pictures.
        findings: one that names the turns, if any picture is turned.
    """

    detector: HeatmapDetector
    findings: tuple[Finding, ...] = ()


def upright_detector(capture: FrameSource, detector: HeatmapDetector, start: int, stop: int) -> UprightDetector:
    """Return the detector with its pictures turned so that people stand upright in them.

    The turns are read from `capture.toml`, or else found from a few frames. A detector that needs no pictures is
    returned unchanged.

    Args:
        capture: the footage with its cameras.
        detector: a network.
        start: first frame of the harvest.
        stop: frame before which it stops.

    Raises:
        ConfigError: the settings turn a view that does not exist.
    """
    if not detector.needs_images:
        return UprightDetector(detector)
    turn = facts_of(capture).turn
    cameras = capture.rig.at(start)
    if turn is not None:
        turns = _turns_of_views(turn, capture.rig.names)
        return UprightDetector(turn_detector(detector, cameras, turns), _note(capture, turns, "as capture.toml says"))
    upright = find_upright(detector, _Moments(capture, start, stop), cameras)
    turns = upright.verdict.turns
    why = "the network sees people best so" if upright.verdict.is_sure else "the other cameras suggest it"
    return UprightDetector(upright.detector, _note(capture, turns, why))


def _turns_of_views(turn: int | Mapping[str, int], views: tuple[str, ...]) -> Turns:
    by_view = dict.fromkeys(views, turn) if isinstance(turn, int) else turn
    unknown = [view for view in by_view if view not in views]
    if unknown:
        raise ConfigError(f"turn: expected views among {', '.join(views)}, got {', '.join(unknown)}")
    return tuple(by_view.get(view, 0) for view in views)


@dataclass(frozen=True, eq=False)
class _Moments:
    """A few moments spread over the harvest; each is read only once, when it is first needed."""

    capture: FrameSource
    start: int
    stop: int
    frames: dict[int, MultiViewFrame] = field(default_factory=dict)

    def __iter__(self) -> Iterator[MultiViewFrame]:
        for number in sorted({self.start + int(place * (self.stop - self.start)) for place in _PLACES}):
            if number not in self.frames:
                self.frames[number] = next(iter(self.capture.frames(number, number + 1)))
            yield self.frames[number]


def _note(capture: FrameSource, turns: Turns, why: str) -> tuple[Finding, ...]:
    """Return one finding that names the turned pictures; none if no picture is turned."""
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
