import torch

from poseharvest.heatmaps.encode import gaussian_maps
from poseharvest.heatmaps.flip import flip_heatmaps, flip_points
from poseharvest.heatmaps.maps import map_peaks
from poseharvest.skeleton.definitions import MPII16

SIZE = (12, 20)


def random_points(generator):
    return 2 + 7 * torch.rand((len(MPII16), 2), generator=generator, dtype=torch.float64)


def test_twice_is_the_original(generator):
    values = torch.randn((3, len(MPII16), *SIZE), generator=generator)
    points = random_points(generator)
    assert torch.equal(flip_heatmaps(flip_heatmaps(values, MPII16), MPII16), values)
    assert torch.allclose(flip_points(flip_points(points, MPII16, width=20), MPII16, width=20), points)


def test_mirrored_maps_peak_at_the_mirrored_points(generator):
    points = random_points(generator)
    values = gaussian_maps(points, SIZE, sigma_px=1.0)
    peaks = map_peaks(flip_heatmaps(values, MPII16))
    assert (peaks.pixels - flip_points(points, MPII16, width=SIZE[1])).abs().max() < 1e-6


def test_left_becomes_right():
    values = torch.zeros((len(MPII16), *SIZE))
    values[MPII16.index("left_wrist"), 3, 5] = 1
    flipped = flip_heatmaps(values, MPII16)
    assert float(flipped[MPII16.index("right_wrist"), 3, 14]) == 1
    assert float(flipped.sum()) == 1
