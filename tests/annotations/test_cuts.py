"""Findings about a selection: computed when a harvest is written, and again by `reselect` and `recalibrate`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from poseharvest.annotations.cuts import SELECTION_TOPIC, risky_joints
from poseharvest.annotations.info import CaptureInfo, DetectorInfo, HarvestRun
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.reselect import recalibrate, reselect
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.findings import Finding
from poseharvest.selection.recalibration import Recalibration
from poseharvest.selection.rules import SelectionRule
from poseharvest.skeleton.definitions import MPII16
from walker_kit import annotate, walker_rig

KNOWN = Finding("error", "calibration", "all is wrong")
NUM = 12


@pytest.fixture
def harvest(tmp_path: Path) -> Harvest:
    """One wrist is less certain than everything else, and gets worse."""
    run = HarvestRun(
        capture=CaptureInfo(name="walk", path=None, frame_rate=25, num_frames=NUM),
        detector=DetectorInfo(name="drawn", heatmap_size=(64, 64)),
        limb_lengths_mm={},
        findings=(Finding("note", "x", "fine"), KNOWN),
        diagnosed=True,
    )
    with HarvestWriter(tmp_path / "h", rig=walker_rig(), skeleton=MPII16, records_per_part=5) as writer:
        for frame in range(NUM):
            record = annotate(walker_rig(), frame, NUM, 3)
            cov = 100 * torch.eye(3, dtype=torch.float64).repeat(16, 1, 1)
            cov[MPII16.index("left_wrist")] *= (1 + frame) ** 2
            writer.add(replace(record, cov=cov))
        return writer.finish(run)


def selection_messages(harvest: Harvest) -> list[str]:
    return [finding.message for finding in harvest.info.findings if finding.topic == SELECTION_TOPIC]


def test_a_harvest_names_what_its_cut_lets_in_and_keeps_the_worst_first(harvest: Harvest) -> None:
    assert harvest.info.findings[0] == KNOWN
    assert harvest.info.diagnosed
    (message,) = selection_messages(harvest)
    assert message.startswith("the cut of left wrist lies far above")
    assert harvest.info.selection.largest_sigma_mm["left_wrist"] == pytest.approx(80, rel=1e-6)  # 70 % of 12 frames: 8
    assert harvest.info.selection.largest_sigma_mm["thorax"] == pytest.approx(10)


def test_reselecting_makes_them_anew_and_keeps_the_others(harvest: Harvest) -> None:
    strict = reselect(harvest, SelectionRule(share=0.08))  # one frame of each joint
    assert selection_messages(strict) == []
    assert [finding for finding in strict.info.findings if finding.topic != SELECTION_TOPIC] == [
        KNOWN,
        Finding("note", "x", "fine"),
    ]
    assert strict.info.diagnosed
    (nothing,) = selection_messages(reselect(strict, SelectionRule(share=0.0)))
    assert nothing.startswith("no joint was selected")
    assert len(selection_messages(reselect(strict, SelectionRule()))) == 1


def test_recalibrating_measures_the_cuts_anew(harvest: Harvest) -> None:
    flat = Recalibration(
        sigma_mm=(5.0, 10.0, 120.0), calibrated_mm=(12.0, 12.0, 12.0), level=0.9, num_values=9, fitted_on="x"
    )
    assert selection_messages(recalibrate(harvest, flat)) == []
    assert len(selection_messages(recalibrate(recalibrate(harvest, flat), None))) == 1


def test_risky_joints_of_nothing_are_none() -> None:
    assert risky_joints({}) == []
