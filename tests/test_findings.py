"""The record of what a person should know."""

from __future__ import annotations

from poseharvest.findings import Finding, worst_first


def test_the_worst_comes_first_and_nothing_twice():
    note, late = Finding("note", "selection", "a"), Finding("warning", "camera cam02", "b")
    odd, wrong = Finding("warning", "limbs", "c"), Finding("error", "calibration", "d")
    assert worst_first([note, late, odd, wrong, late]) == (wrong, late, odd, note)
