"""People whose joints move along known curves, seen by cameras whose clocks are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.simulation import random_rig
from poseharvest.synchronisation.view_joints import ViewJoints, ViewRays

Floats = NDArray[np.float64]

NUM_JOINTS = 12
USUAL_SHARE = 0.01


def rig_of(num_views: int, seed: int = 0) -> Rig:
    return random_rig(num_views, torch.Generator().manual_seed(seed))


def positions(times_s: Floats, seed: int, *, speed: float = 1.0) -> Floats:
    """(T, J, 3) joints in mm of somebody who waves all limbs: curves of slow frequencies, a few decimetres wide."""
    rng = np.random.default_rng(seed)
    rest = np.stack(
        (rng.uniform(-300, 300, NUM_JOINTS), rng.uniform(-200, 200, NUM_JOINTS), np.linspace(100, 1700, NUM_JOINTS)), -1
    )
    frequencies = rng.uniform(0.2, 1.2, (4, NUM_JOINTS, 3)) * speed
    phases = rng.uniform(0, 2 * np.pi, (4, NUM_JOINTS, 3))
    heights = rng.uniform(20, 120, (4, NUM_JOINTS, 3))
    waves = heights * np.sin(2 * np.pi * frequencies * times_s[:, None, None, None] + phases)
    return np.asarray(rest + waves.sum(1))


def seen(
    camera: Camera, points: Sequence[Floats], own_times_s: Floats, *, noise_px: float = 0.0, seed: int = 0
) -> ViewJoints:
    """What a camera shows of people (T, J, 3) at times of its own clock."""
    rng = np.random.default_rng(seed)
    people = [camera.project(torch.as_tensor(one)).pixels.numpy() for one in points]
    pixels = np.stack(people, axis=1)
    return ViewJoints(camera.name, own_times_s, pixels + noise_px * rng.standard_normal(pixels.shape))


def views_of(
    rig: Rig,
    offsets_s: Sequence[float],
    own_times_s: Floats,
    *,
    rates: Sequence[float] | None = None,
    middle_s: float = 0.0,
    people: Sequence[int] = (0,),
    noise_px: float = 2.0,
    speed: float = 1.0,
) -> list[ViewRays]:
    """Rays of views whose clocks are known: common time = own + offset + rate * (own - middle)."""
    views = []
    for number, (camera, offset_s) in enumerate(zip(rig, offsets_s, strict=True)):
        assert isinstance(camera, Camera)
        rate = 0.0 if rates is None else rates[number]
        common_s = own_times_s + offset_s + rate * (own_times_s - middle_s)
        points = [
            positions(common_s, seed, speed=speed) + np.array([900.0 * place, 0, 0])
            for place, seed in enumerate(people)
        ]
        shown = seen(camera, points, own_times_s, noise_px=noise_px, seed=number)
        views.append(ViewRays.of(camera, shown.smoothed(), USUAL_SHARE))
    return views
