from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from poseharvest.detectors.protocol import CroppedView
from poseharvest.errors import CalibrationError, ConfigError, DetectorError
from poseharvest.geometry.crop import Crop, crop_around
from poseharvest.simulation.detector_errors import CLEAN, ONE_VIEW_WRONG, REALISTIC, DetectorErrors
from poseharvest.simulation.scene import Scene
from poseharvest.simulation.simulated_detector import SimulatedDetector
from poseharvest.skeleton.definitions import MPII16

SIZES = pytest.mark.parametrize("size", [(64, 64), (48, 64), (32, 24)])


def joints_in(scene: Scene, view: str, frame: int) -> torch.Tensor:
    return scene.rig.camera(view).at(frame).project(scene.points(frame)[:16]).pixels


def window(scene: Scene, view: str, frame: int, scale: float = 1.3) -> CroppedView:
    return CroppedView(view, frame, crop_around(joints_in(scene, view, frame), scale), None)


def centroids(maps: torch.Tensor) -> torch.Tensor:
    """(B, J, 2) x, y means of the maps, in pixels of the maps."""
    weights = maps.double()
    total = weights.sum((-2, -1))
    y, x = (torch.arange(n, dtype=torch.float64) for n in maps.shape[-2:])
    return torch.stack(((weights.sum(-2) * x).sum(-1), (weights.sum(-1) * y).sum(-1)), -1) / total.unsqueeze(-1)


@SIZES
@pytest.mark.parametrize("scale", [1.4, 2.2])
def test_clean_gaussians_stand_at_the_true_pixels(scene, size, scale):
    detector = SimulatedDetector(scene, CLEAN, heatmap_size=size)
    views = [window(scene, name, frame, scale) for name in scene.rig.names for frame in (0, 30, 131)]
    maps = detector.detect(views)
    assert maps.shape == (12, 16, *size)
    assert maps.dtype == torch.float32
    for seen, center in zip(views, centroids(maps), strict=True):
        truth = joints_in(scene, seen.view, seen.frame)
        expected = seen.crop.to_window(truth, size)
        inside = ((expected > 4) & (expected < torch.tensor(size[::-1]) - 5)).all(-1)
        assert inside.sum() > 8
        assert_close(center[inside], expected[inside], rtol=0, atol=2e-3)
        back = seen.crop.to_image(center, size)
        assert (back - truth)[inside].abs().max() < 0.05


def test_clean_gaussians_have_the_paper_s_width_and_height_one(scene):
    seen = window(scene, "cam2", 10)
    x, y = seen.crop.to_window(joints_in(scene, "cam2", 10), (64, 64))[MPII16.index("thorax")].tolist()
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    expected = torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2)
    maps = SimulatedDetector(scene, CLEAN).detect([seen])
    assert_close(maps[0, MPII16.index("thorax")], expected, rtol=0, atol=1e-5)


def test_windows_do_not_depend_on_the_batch(scene):
    views = [window(scene, name, frame) for name in scene.rig.names for frame in (0, 7, 64, 9)]
    together = SimulatedDetector(scene, REALISTIC, seed=2).detect(views)
    backward = SimulatedDetector(scene, REALISTIC, seed=2).detect(views[::-1])
    alone = SimulatedDetector(scene, REALISTIC, seed=2)
    assert torch.equal(together, backward.flip(0))
    for i, seen in enumerate(views):
        assert torch.equal(alone.detect([seen])[0], together[i])


def test_errors_stay_at_their_place_in_the_picture(scene):
    errors = replace(REALISTIC, noise=0.0, noise_bias=0.0, second_mode_rate=0.0, swap_rate=0.0, missing_rate=0.0)
    detector = SimulatedDetector(scene, errors, seed=1)
    near, wide = (window(scene, "cam3", 20, scale) for scale in (1.6, 2.4))
    wide = replace(wide, crop=Crop((wide.crop.center[0] + 31.7, wide.crop.center[1] - 12.3), wide.crop.side))
    first, second = (seen.crop.to_image(centroids(detector.detect([seen]))[0], (64, 64)) for seen in (near, wide))
    assert_close(first, second, rtol=0, atol=0.1)
    assert (first - joints_in(scene, "cam3", 20)).abs().max() > 2


def test_a_window_without_the_person_holds_nothing_but_noise(scene):
    empty = CroppedView("cam1", 12, Crop((80.0, 90.0), 150.0), None)
    assert torch.equal(SimulatedDetector(scene, CLEAN).detect([empty]), torch.zeros(1, 16, 64, 64))
    noise = SimulatedDetector(scene, REALISTIC).detect([empty])
    assert float(noise.mean()) == pytest.approx(REALISTIC.noise_bias, abs=0.001)
    assert float(noise.std()) == pytest.approx(REALISTIC.noise, rel=0.1)
    assert float(noise.max()) < 0.06


@pytest.mark.parametrize("scale", [0.5, 1.2, 2.5, 5.0])
def test_peaks_fall_where_the_person_fits_the_window_badly(scene, scale):
    detector = SimulatedDetector(scene, replace(CLEAN, sigma_px=3.0))
    seen = window(scene, "cam4", 50, scale)
    places = seen.crop.to_window(joints_in(scene, "cam4", 50), (64, 64))
    inside = ((places > 0) & (places < 63)).all(-1)
    assert inside.any()
    peaks = detector.detect([seen])[0].flatten(1).amax(1)[inside]
    expected = {0.5: 0.25, 1.2: 1.0, 2.5: 1.0, 5.0: (0.2 / 0.35) ** 2}[scale]
    assert_close(peaks, torch.full_like(peaks, expected), rtol=0.03, atol=0)


def test_a_cut_person_keeps_its_place(scene):
    whole = window(scene, "cam2", 33, 1.3)
    joints = joints_in(scene, "cam2", 33)
    cut = replace(whole, crop=Crop((float(joints[MPII16.index("head_top"), 0]), float(joints[:, 1].min())), 300.0))
    maps = SimulatedDetector(scene, CLEAN).detect([cut])
    expected = cut.crop.to_window(joints, (64, 64))
    inside = ((expected > 4) & (expected < 59)).all(-1)
    assert 2 <= int(inside.sum()) < 16
    assert_close(centroids(maps)[0, inside], expected[inside], rtol=0, atol=0.01)
    assert float(maps[0, ~((expected > -6) & (expected < 70)).all(-1)].sum()) < 1e-3


def test_realistic_background_is_slightly_negative_and_differs(scene):
    detector = SimulatedDetector(scene, REALISTIC)
    maps = detector.detect([window(scene, "cam1", 3), window(scene, "cam2", 3), window(scene, "cam1", 4)])
    assert maps.min() < -0.015
    corner = maps[..., :12, :12].flatten(2)
    assert float(corner.median()) < 0
    assert not torch.equal(corner[0], corner[1])
    assert not torch.equal(corner[0], corner[2])


def test_a_second_gaussian_does_not_add_to_the_first(scene):
    detector = SimulatedDetector(scene, replace(CLEAN, second_mode_rate=1.0, second_mode_peak=(1.0, 1.0), sigma_px=8.0))
    maps = detector.detect([window(scene, "cam1", f) for f in range(20)])
    assert float(maps.max()) <= 1.0
    assert float(maps.max()) > 0.99


def test_presets_differ_as_they_say(scene):
    views = [window(scene, name, frame, 1.5) for name in scene.rig.names for frame in range(0, 300, 6)]
    truth = torch.stack([seen.crop.to_window(joints_in(scene, seen.view, seen.frame), (64, 64)) for seen in views])
    off = {}
    for name, errors in {"clean": CLEAN, "realistic": REALISTIC, "wrong": ONE_VIEW_WRONG}.items():
        peak = SimulatedDetector(scene, errors).detect(views).flatten(2).argmax(-1)
        distance = torch.linalg.vector_norm(torch.stack((peak % 64, peak // 64), -1) - truth, dim=-1)
        off[name] = distance.reshape(4, -1, 16)
    assert off["clean"].max() < 0.75  # half a pixel's diagonal
    assert off["realistic"].median() < 1.5
    assert off["realistic"].mean() > 2 * off["clean"].mean()
    assert off["wrong"][1:].max() < 0.75
    assert float((off["wrong"][0] > 3).double().mean()) == pytest.approx(0.15, abs=0.03)


def test_it_is_a_heatmap_detector(scene):
    detector = SimulatedDetector(scene, heatmap_size=(48, 40))
    assert detector.skeleton is MPII16
    assert detector.heatmap_size == (48, 40)
    assert not detector.needs_images
    assert detector.detect([]).shape == (0, 16, 48, 40)


def test_an_unknown_view_is_refused(scene):
    with pytest.raises(CalibrationError, match='expected one of cam1, cam2, cam3, cam4, got "cam9"'):
        SimulatedDetector(scene).detect([CroppedView("cam9", 0, Crop((0.0, 0.0), 10.0), None)])


def test_the_wrong_view_must_exist(scene):
    with pytest.raises(DetectorError, match="wrong_view must be a view, 0 to 3, got 4"):
        SimulatedDetector(scene, DetectorErrors(wrong_view=4))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("missing_rate", 1.2, "missing_rate must be a probability, got 1.2"),
        ("wrong_rate", -0.1, "wrong_rate must be a probability, got -0.1"),
        ("peak", (0.9, 0.6), r"peak must be an increasing range from 0 up, got \(0.9, 0.6\)"),
        ("jitter", -1.0, "jitter must be finite and not negative, got -1.0"),
        ("noise", float("inf"), "noise must be finite and not negative, got inf"),
        ("sigma_px", 0.0, "sigma_px must be finite and positive, got 0.0"),
        ("spell_frames", 0, "spell_frames must be at least 1, got 0"),
        ("wrong_view", -1, "wrong_view must be the number of a view or None, got -1"),
        ("noise_bias", float("nan"), "noise_bias must be finite, got nan"),
    ],
)
def test_impossible_errors_are_refused(name, value, message):
    with pytest.raises(ConfigError, match=f"detector errors: {message}"):
        DetectorErrors(**{name: value})


def test_every_size_refuses_nan():
    for field in fields(DetectorErrors):
        if isinstance(field.default, float):
            with pytest.raises(ConfigError, match=field.name):
                DetectorErrors(**{field.name: np.nan})
