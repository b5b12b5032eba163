"""Fixtures of the inputs that went wrong for people."""

from __future__ import annotations

from pathlib import Path

import pytest

from cases_kit import VIEWS, write_first_pictures


@pytest.fixture(scope="session")
def cases_dir(shared_dir: Path) -> Path:
    """The folder with the inputs, or a skip."""
    path = shared_dir / "cases"
    if not path.is_dir():
        pytest.skip(f"the inputs are not at {path}")
    return path


@pytest.fixture(scope="session")
def first_videos(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the first 20 pictures of each view of the balance capture, as videos."""
    folder = tmp_path_factory.mktemp("first_videos")
    for view in VIEWS:
        write_first_pictures(shared_dir / "captures" / "balance" / "videos" / f"{view}.mp4", folder / f"{view}.mp4")
    return folder


@pytest.fixture(scope="session")
def scene_calibration(shared_dir: Path) -> Path:
    """The calibration file of the balance capture."""
    return shared_dir / "captures" / "balance" / "calibration" / "calib_scene.toml"
