"""The published weights, and a picture to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def weights_dir(shared_dir: Path) -> Path:
    return shared_dir / "weights" / "efficientpose_i"


@pytest.fixture(scope="session")
def keras_file(weights_dir: Path) -> Path:
    return weights_dir / "EfficientPoseI.h5"


@pytest.fixture(scope="session")
def reference(weights_dir: Path) -> dict[str, NDArray]:
    """`crop_rgb` (256, 256, 3), and the heatmaps that the published network gives for it, channels as published."""
    with np.load(weights_dir / "reference_output.npz", allow_pickle=False) as arrays:
        return dict(arrays)
