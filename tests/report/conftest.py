"""A small harvest to report on."""

from __future__ import annotations

import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.geometry.rig import Rig
from poseharvest.report.collect import ReportContent, collect
from walker_kit import Recipe, walker_rig, write_walk


@pytest.fixture(scope="session")
def rig() -> Rig:
    """Four cameras on the corners of a rectangle."""
    return walker_rig()


@pytest.fixture(scope="session")
def harvest(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """One person in 40 frames, three of them with pictures."""
    return write_walk(tmp_path_factory.mktemp("report") / "harvest", Recipe())


@pytest.fixture(scope="session")
def content(harvest: Harvest) -> ReportContent:
    """What its report shows."""
    return collect(harvest)
