"""What a harvest says of its inputs before it looks at the first frame."""

from __future__ import annotations

from dataclasses import replace

import pytest

from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.input_checks import check_hints
from poseharvest.harvesting.job import Job
from poseharvest.simulation import Simulation


@pytest.mark.parametrize(("device", "warnings"), [("cpu", 0), ("meta", 1)])
def test_a_device_that_was_never_tried_is_a_warning(
    simulation: Simulation, quick: HarvestOptions, device: str, warnings: int
) -> None:
    job = Job(simulation.capture, simulation.detector, replace(quick, device=device), None, None, lambda _: None)
    findings = check_hints(job)
    assert [finding.severity for finding in findings] == ["warning"] * warnings
    assert all("untested" in finding.message and "--device cpu" in finding.message for finding in findings)
