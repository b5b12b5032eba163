import numpy as np
import pytest
import torch

from poseharvest.detectors.efficientpose import CHANNELS, PREPROCESSING, load_efficientpose
from poseharvest.detectors.network import RunOptions
from poseharvest.detectors.protocol import CroppedView
from poseharvest.geometry.crop import Crop
from poseharvest.skeleton.definitions import MPII16


def normalised(picture):
    pixels = torch.from_numpy(picture).permute(2, 0, 1)[None] / 255
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (PREPROCESSING.mean, PREPROCESSING.std))
    return (pixels - mean) / std


@pytest.mark.data
def test_the_network_gives_the_published_heatmaps(keras_file, reference):
    detector = load_efficientpose(keras_file, RunOptions())
    with torch.inference_mode():
        heatmaps = detector.network(normalised(reference["crop_rgb"]))[-1][0]
    published = torch.from_numpy(reference["heatmaps_32"])[[CHANNELS.index(joint) for joint in MPII16.joints]]
    assert (heatmaps - published).abs().max() < 1e-5


@pytest.mark.data
def test_the_published_enlargement_is_bilinear_about_pixel_centres(reference):
    small, large = (torch.from_numpy(reference[f"heatmaps_{size}"]) for size in (32, 256))
    enlarged = small[None]
    for _ in range(3):
        enlarged = torch.nn.functional.interpolate(enlarged, scale_factor=2, mode="bilinear", align_corners=False)
    assert (enlarged[0] - large)[:, 16:-16, 16:-16].abs().max() < 5e-4


@pytest.mark.data
def test_batches_do_not_change_the_heatmaps(keras_file, reference):
    picture = np.pad(reference["crop_rgb"], ((10, 40), (30, 20), (0, 0)))
    views = [CroppedView(f"cam{i}", 3, Crop((157.5 + 2 * i, 137.5), 256.0 + 3 * i), picture) for i in range(3)]
    together = load_efficientpose(keras_file, RunOptions(batch_size=3)).detect(views)
    apart = load_efficientpose(keras_file, RunOptions(batch_size=2)).detect(views)
    assert together.shape == (3, 16, 32, 32)
    assert together.dtype == torch.float32
    assert torch.allclose(together, apart, atol=1e-5)
