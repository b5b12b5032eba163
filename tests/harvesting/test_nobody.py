"""Why nobody was found: a wrong unit is told from nobody at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localization_kit import STANDING, ChangedDetector, PaintedDetector, nobody, plain_rig
from poseharvest.capture.frames import CaptureFacts, MultiViewFrame
from poseharvest.geometry.rig import Rig
from poseharvest.harvesting.nobody import explain_missing_person


class Footage:
    """Frames without pictures before a rig that was read in a unit."""

    def __init__(self, rig: Rig, unit: str | None) -> None:
        self.rig, self.facts, self.name, self.frame_rate, self.num_frames = (
            rig,
            CaptureFacts(unit=unit),
            "footage",
            25.0,
            12,
        )

    def frames(self, start: int = 0, stop: int | None = None):
        for index in range(start, self.num_frames if stop is None else stop):
            yield MultiViewFrame(index, index / self.frame_rate, (None,) * len(self.rig))


def scaled(factor: float) -> Rig:
    """The rig as it is if its lengths are read too large by a factor."""
    return Rig(tuple(replace(camera, translation=factor * camera.translation) for camera in plain_rig()))


def seen_in_all_units(factor: float, unit: str | None) -> str | None:
    rig = scaled(factor)
    detector = PaintedDetector(rig, lambda frame, view: factor * STANDING)
    return explain_missing_person(Footage(rig, unit), detector, 0, 12)


@pytest.mark.parametrize(("factor", "unit", "advice"), [(1e3, "m", "try unit=mm"), (1e-3, "mm", "try unit=m")])
def test_another_unit_that_makes_a_person_is_named(factor, unit, advice):
    assert seen_in_all_units(factor, unit).endswith(advice)


@pytest.mark.parametrize("factor", [10.0, 12.0])
def test_where_no_unit_helps_it_says_by_how_much_lengths_are_off(factor):
    said = seen_in_all_units(factor, "m")
    assert "times too large, and no other of mm, cm, m mends that" in said
    assert "try unit" not in said


def test_somebody_of_a_person_s_size_was_missed_for_another_reason():
    assert seen_in_all_units(1.0, "mm") is None


def test_where_nobody_is_no_unit_is_to_blame():
    rig = plain_rig()
    assert (
        explain_missing_person(
            Footage(rig, "m"), ChangedDetector(PaintedDetector(rig, lambda frame, view: STANDING), nobody), 0, 12
        )
        is None
    )


def test_the_size_does_not_hang_on_how_many_frames_there_are():
    rig = scaled(1e3)
    detector = PaintedDetector(rig, lambda frame, view: 1e3 * STANDING)
    one, many = (explain_missing_person(Footage(rig, "m"), detector, 0, stop) for stop in (1, 12))
    assert one == many
