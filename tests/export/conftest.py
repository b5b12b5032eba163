"""A harvest to export: 20 frames with gaps, one person."""

from __future__ import annotations

import pytest

from harvest_kit import make_records, write_harvest
from poseharvest.annotations.reader import Harvest

FRAMES = (2, 3, 4, 6, *range(8, 24))


@pytest.fixture(scope="session")
def harvest(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """One person in frames 2 to 23, not found in frames 5 and 7."""
    return write_harvest(tmp_path_factory.mktemp("export") / "one", make_records(FRAMES))


@pytest.fixture(scope="session")
def harvest_of_two(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """Persons 0 and 3 in frames 0 to 5."""
    return write_harvest(tmp_path_factory.mktemp("export") / "two", make_records(range(6), persons=(0, 3)))
