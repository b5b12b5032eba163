"""What a person should know of an input or a result: one record for audits, harvests, reports and the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["note", "warning", "error"]

NOBODY_FOUND = "nobody was found in"
"""How the message on frames without a person begins."""

NAME_TOPIC = "name of person"
"""How the topic on the number of a person over several trials begins."""

_ORDER: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """Something a person should know.

    Attributes:
        severity: "error": the results are wrong, or would be; "warning": a person should look; "note": good to know.
        topic: what it is about, in a few words, such as "calibration" or "camera cam01".
        message: one line: what, expected, got, what to do.
    """

    severity: Severity
    topic: str
    message: str


FaultKind = Literal[
    "place",
    "focal length",
    "lens",
    "delay",
    "rate",
    "mirrored",
    "turned",
    "exchanged",
    "same pictures",
    "frozen",
    "blank",
    "unlike",
]
"""What may be wrong with a camera; "place": moved or turned since its calibration; "turned": its pictures are;
"blank": its pictures show nothing; "unlike": it does not fit the others, and nothing explains that."""


@dataclass(frozen=True)
class CameraFault:
    """What is wrong with one camera, with two that are exchanged or show the same, or with several out of step.

    Attributes:
        views: names of the cameras.
        kind: what is wrong.
        moved_px: how far it displaces the person in the picture, pixels; 0 where it shows nobody.
        text: what is wrong, in words.
        wrong: names of the cameras without which the rest is right.
        is_plain: no other camera's fault would explain nearly as much.
        is_left_out: the harvest is without the cameras in `wrong`.
        late_frames: by how many frames the pictures of one camera are behind, where that is wrong; negative: ahead.
        from_frame: the first frame in which it is wrong, where earlier ones are right; None otherwise.
        before_frame: the first frame in which it is right again, where earlier ones are wrong; None otherwise.
        others_px: how far another camera's view is off when this one is put right, pixels; 0 where that is little. Then
            no single camera explains what the views show.
    """

    views: tuple[str, ...]
    kind: FaultKind
    moved_px: float
    text: str
    wrong: tuple[str, ...]
    is_plain: bool = True
    is_left_out: bool = False
    late_frames: float = 0.0
    from_frame: int | None = None
    before_frame: int | None = None
    others_px: float = 0.0

    @property
    def finding(self) -> Finding:
        """The fault as a line for a person."""
        several = len(self.views) > 1
        names = " and ".join(f'"{name}"' for name in self.views)
        if self.is_left_out:
            wrong = " and ".join(f'"{name}"' for name in self.wrong)
            then = f"the harvest is without {wrong}; correct that and harvest again (--keep-cameras leaves none out)"
        elif self.spoils_nothing:
            then = "the poses there are those of the other cameras alone"
        elif self.others_px:
            then = (
                f"put right, the others are still up to {self.others_px:.0f} px off, so no single camera explains it; "
                "the poses are wrong: calibrate all cameras anew"
            )
        elif self.kind == "delay" and not self.is_plain:
            then = "the poses are wrong"
        elif not self.is_plain:
            then = (
                "a fault of another camera explains nearly as much, so it may not be this one, or not alone; the poses "
                "are wrong: calibrate all cameras anew"
            )
        elif self.stretch:
            then = "the poses there are wrong: harvest them apart (--start, --stop) without it (--views)"
        else:
            then = "the poses are wrong: correct that and harvest again, or leave it out with --views"
        apart = f" (the person lies {self.moved_px:.0f} px from where the other cameras see them)"
        message = (
            f"camera{'s' if several else ''} {names}: {self.stretch}{self.text}{apart if self.moved_px else ''}: {then}"
        )
        is_harmless = self.is_left_out or self.spoils_nothing
        return Finding("warning" if is_harmless else "error", f"camera {self.views[0]}", message)

    @property
    def spoils_nothing(self) -> bool:
        """The camera shows nobody: the others are right without it."""
        return self.kind in {"blank", "unlike"} and self.moved_px == 0

    @property
    def stretch(self) -> str:
        """Which part of the take is meant, as the beginning of a text; empty for all of it."""
        if self.from_frame is not None and self.before_frame is not None:
            return f"from about frame {self.from_frame} to {self.before_frame}, "
        if self.from_frame is not None:
            return f"from about frame {self.from_frame} on, "
        return "" if self.before_frame is None else f"before about frame {self.before_frame}, "


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings without repetitions, errors first and notes last; otherwise the order stays."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: _ORDER.index(finding.severity)))
