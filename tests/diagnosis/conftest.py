"""A small harvest to be diagnosed."""

from __future__ import annotations

import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.geometry.rig import Rig
from walker_kit import Recipe, walker_rig, write_walk


@pytest.fixture(scope="session")
def rig() -> Rig:
    """Four cameras on the corners of a rectangle."""
    return walker_rig()


@pytest.fixture(scope="session")
def harvest(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """One person in 40 frames."""
    return write_walk(tmp_path_factory.mktemp("diagnosis") / "harvest", Recipe(pictured=()))
