"""How often a long step may speak."""

from __future__ import annotations

from poseharvest.progress import Progress, now_and_then


def test_parts_of_a_step_are_reported_now_and_then() -> None:
    seconds = iter([0.0, 1.0, 1.9, 2.5, 2.5, 4.0, 4.6, 4.6, 30.0, 30.0])  # asked once, and again where it speaks
    lines: list[str] = []
    listener = now_and_then(lambda one: lines.append(one.stage), every_s=2.0, clock=lambda: next(seconds))
    for stage in ("at 1 s", "at 1.9 s", "at 2.5 s", "at 4 s", "at 4.6 s", "at 30 s"):
        listener(Progress(3, 9, stage))
    assert lines == ["at 2.5 s", "at 4.6 s", "at 30 s"]
