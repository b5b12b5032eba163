"""Small cameras and scenes for the tests of the synthetic captures."""

from __future__ import annotations

import pytest
import torch

from poseharvest.geometry.camera import Camera
from poseharvest.geometry.distortion import Distortion
from poseharvest.simulation.camera_rigs import look_at
from poseharvest.simulation.scene import Scene, make_scene


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small_camera():
    """Makes a 180 x 260 camera somewhere that looks at the middle of a person at the origin."""

    def make(center: tuple[float, float, float] = (4000.0, 900.0, 1300.0), focal: float = 330.0) -> Camera:
        place = torch.tensor(center, dtype=torch.float64)
        rotation = look_at(place, torch.tensor((0.0, 0.0, 900.0), dtype=torch.float64))
        k = torch.tensor(((focal, 0.0, 130.3), (0.0, 1.01 * focal, 88.1), (0.0, 0.0, 1.0)), dtype=torch.float64)
        lens = Distortion("brown_conrady", (-0.2, 0.1, 0.001, -0.002))
        return Camera("small", (180, 260), k, rotation, -rotation @ place, lens)

    return make


@pytest.fixture(scope="session")
def scene() -> Scene:
    """The default scene: the studio rig around a moving person."""
    return make_scene(seed=5)
