"""Miniatures of the paper's data sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_kits.paper_data import write_football, write_human36m


@pytest.fixture(scope="session")
def football(tmp_path_factory) -> Path:
    """KTH Multiview Football II; not to be changed."""
    return write_football(tmp_path_factory.mktemp("football") / "kth")


@pytest.fixture(scope="session")
def human36m(tmp_path_factory) -> Path:
    """Human3.6M with one action of S9 and S11; not to be changed."""
    return write_human36m(tmp_path_factory.mktemp("human36m") / "h36m", ("Posing-1",))
