import numpy as np
import pytest
import torch

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.network import Preprocessing, network_input
from poseharvest.detectors.protocol import CroppedView
from poseharvest.detectors.turned import turn_image, turn_points
from poseharvest.errors import CaptureError
from poseharvest.geometry.crop import Crop
from poseharvest.learning.loop.augment import Variation
from poseharvest.learning.loop.batches import network_picture
from poseharvest.learning.personalize.labels import PictureLabels
from poseharvest.learning.personalize.surroundings import cut_pictures
from poseharvest.skeleton.definitions import MPII16


def waves(size, index):
    rows, columns = np.mgrid[: size[0], : size[1]]
    channels = [np.sin(columns / 11.0 + index + k) * np.cos(rows / (9.0 + k)) for k in range(3)]
    return ((np.stack(channels, -1) + 1) * 127).astype(np.uint8)


class Film:
    """Five frames of waves in two views of different shape; the second view lacks frame 3."""

    name = "film"
    num_frames = 5

    class rig:  # noqa: N801
        names = ("a", "b")

    def frames(self, start=0, stop=None):
        for index in range(start, min(stop, self.num_frames)):
            a, b = (waves(size, index) for size in ((90, 120), (150, 80)))
            yield MultiViewFrame(index, index / 25, (a, None if index == 3 else b))


def label(frame, view, crop):
    return PictureLabels(frame, 0, view, crop, torch.rand(16, 2).double() * 80, torch.arange(16) < 9)


def cut(labels, tmp_path, size=(64, 48), turns=None):
    preprocessing = Preprocessing(size, (0.0,) * 3, (1.0,) * 3)
    pictures = cut_pictures(
        Film(),
        MPII16,
        labels,
        preprocessing=preprocessing,
        reach=1.7,
        file=tmp_path / "p.npy",
        on_frame=lambda frame: None,
        turns=turns,
    )
    return pictures, preprocessing


@pytest.mark.parametrize("size", [(64, 64), (64, 48)])
@pytest.mark.parametrize("side", [50.0, 130.0])
def test_the_network_sees_what_it_saw_when_harvesting(tmp_path, size, side):
    labels = [
        label(1, 0, Crop((60.2, 40.7), side)),
        label(1, 1, Crop((33.0, 70.5), side)),
        label(4, 0, Crop((5.0, 9.0), side)),
    ]
    pictures, preprocessing = cut(labels, tmp_path, size)
    films = {frame.index: frame.images for frame in Film().frames(0, 5)}
    for index, one in enumerate(labels):
        view = CroppedView("x", one.frame, one.crop, films[one.frame][one.view])
        expected = network_input([view], preprocessing)[0]
        found = network_picture(pictures.sample(index), Variation(), preprocessing)
        assert (found - expected).abs().max() < 0.02


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_of_a_camera_on_its_side_the_network_learns_what_it_saw(tmp_path, degrees):
    """Picture and joints are turned together, as the harvest's network saw them."""
    one = label(1, 1, Crop((33.0, 70.5), 60.0))
    pictures, preprocessing = cut([one], tmp_path, turns={"b": degrees})
    image = next(iter(Film().frames(1, 2))).images[1]
    turned = turn_image(image, degrees)
    middle, joints = (
        turn_points(points, image.shape[:2], degrees)
        for points in (torch.tensor(one.crop.center, dtype=torch.float64), one.joints)
    )
    crop = Crop(tuple(middle.tolist()), one.crop.side)
    expected = network_input([CroppedView("b", 1, crop, turned)], preprocessing)[0]
    sample = pictures.sample(0)
    assert (network_picture(sample, Variation(), preprocessing) - expected).abs().max() < 0.02
    found = sample.window.to_window(sample.joints, (10, 10))
    torch.testing.assert_close(found, crop.to_window(joints, (10, 10)), atol=1e-6, rtol=0)


def test_joints_lie_where_they_lay(tmp_path):
    one = label(2, 1, Crop((33.0, 70.5), 40.0))
    sample = cut([one], tmp_path)[0].sample(0)
    size = (sample.picture.shape[1], sample.picture.shape[2])
    relative = sample.window.to_window(sample.joints, (10, 10))
    assert size[0] == size[1]
    assert torch.allclose(relative, one.crop.to_window(one.joints, (10, 10)))
    assert torch.equal(sample.weight > 0, one.known)


def test_missing_pictures_and_frames_are_named(tmp_path):
    window = Crop((30.0, 30.0), 40.0)
    with pytest.raises(CaptureError, match='film: view "b", frame 3: the harvest saw a picture that the footage lacks'):
        cut([label(3, 1, window)], tmp_path)
    with pytest.raises(CaptureError, match="film: expected frame 7 of the harvest, the footage has 5"):
        cut([label(2, 0, window), label(7, 0, window)], tmp_path)
