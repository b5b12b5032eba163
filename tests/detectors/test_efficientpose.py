import json

import cv2
import numpy as np
import pytest
import torch

from poseharvest.detectors.bias import measure_side_bias
from poseharvest.detectors.efficientpose import CHANNELS, EFFICIENTPOSE, load_efficientpose
from poseharvest.detectors.network import RunOptions
from poseharvest.detectors.protocol import CroppedView
from poseharvest.geometry.crop import Crop
from poseharvest.networks.efficientpose import EfficientPose
from poseharvest.skeleton.definitions import MPII16


def normalised(picture):
    pixels = torch.from_numpy(picture).permute(2, 0, 1)[None] / 255
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in (EFFICIENTPOSE.preprocessing.mean, EFFICIENTPOSE.preprocessing.std)
    )
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


@pytest.mark.data
def test_a_detector_around_further_trained_weights_changes_its_heatmaps(keras_file, reference):
    detector = load_efficientpose(keras_file, RunOptions())
    view = CroppedView("a", 0, Crop((127.5, 127.5), 256.0), reference["crop_rgb"])
    before = detector.detect([view])
    trained = EfficientPose().eval()
    trained.load_state_dict(detector.network.state_dict())
    with torch.no_grad():
        trained.heads[1].bias += 0.25
    assert torch.allclose(detector.with_network(trained).detect([view]), before + 0.25, atol=1e-5)
    assert torch.equal(detector.detect([view]), before)


@pytest.mark.data
def test_peaks_lie_to_neither_side_of_the_joints(keras_file, shared_dir):
    """A half-pixel error would be 0.5 px of the heatmap; see docs/detectors.md for what footage shows."""
    folder = shared_dir / "fixtures" / "mpii"
    views = []
    for record in json.loads((folder / "test_mpii.json").read_text()):
        image = cv2.cvtColor(cv2.imread(str(folder / record["image"])), cv2.COLOR_BGR2RGB)
        x, y = record["center"]
        views += [CroppedView("a", 0, Crop((x + d, y), record["scale"] * 250), image) for d in (-11.0, 0.0, 7.0)]
    bias = measure_side_bias(load_efficientpose(keras_file, RunOptions()), views)
    assert bias.num_joints > 150
    assert abs(bias.mean_px) < 0.05
