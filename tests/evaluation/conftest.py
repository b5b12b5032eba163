"""A harvest whose truth is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.motion import MotionOptions
from poseharvest.skeleton.definitions import MPII16
from truth_kit import NUM_FRAMES, true_walk, write_truth
from walker_kit import Recipe, write_walk


@pytest.fixture(scope="session")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """A harvest of the walker, off by 3.4 mm on average, a view absent for some frames; nobody may change it."""
    return write_walk(tmp_path_factory.mktemp("walk") / "harvest", Recipe(num_frames=NUM_FRAMES, pictured=()))


@pytest.fixture(scope="session")
def smooth_walk(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """The same harvest, smoothed over time."""
    recipe = Recipe(num_frames=NUM_FRAMES, pictured=(), motion=MotionOptions())
    return write_walk(tmp_path_factory.mktemp("smooth_walk") / "harvest", recipe)


@pytest.fixture(scope="session")
def truth_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The walker's true positions in Parquet."""
    return write_truth(tmp_path_factory.mktemp("truth") / "truth.parquet", true_walk(), MPII16.joints)
