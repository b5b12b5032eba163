import json

import pytest
import torch

from poseharvest.detectors.protocol import CroppedView
from poseharvest.detectors.registry import load_detector
from poseharvest.detectors.shipped_weights import FOLDER, GENERIC_HOURGLASS, find_shipped
from poseharvest.errors import DetectorError
from poseharvest.geometry.crop import Crop
from poseharvest.heatmaps.maps import heatmap_peaks
from poseharvest.studio import sample

LARGEST_BYTES = 8_000_000
NUM_PICTURES = 12
CLEAR_SHARE = 0.1
"""A peak counts as right within this share of the window: 13 pixels of 128."""

needs_weights = pytest.mark.skipif(
    not (FOLDER / f"{GENERIC_HOURGLASS}.safetensors").is_file(), reason="the weights are not part of this checkout"
)


def written(folder, *, sha256=None, **changes):
    from safetensors.torch import save_file

    from poseharvest.detectors.published_weights import sha256_of

    save_file({"a": torch.zeros(1)}, folder / "w.safetensors")
    values = {
        "sha256": sha256 or sha256_of(folder / "w.safetensors"),
        "licence": "L",
        "recipe": "R",
        "pckh": 80,
        **changes,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items() if value is not None]
    (folder / "w.toml").write_text("\n".join(lines))
    return folder


@needs_weights
def test_they_are_small_and_say_what_they_are():
    shipped = find_shipped(GENERIC_HOURGLASS)
    assert shipped.path.stat().st_size <= LARGEST_BYTES
    assert shipped.licence == "Apache-2.0"
    assert "train2d --dataset studio" in shipped.recipe
    assert 50 < shipped.pckh <= 100


@needs_weights
def test_the_hourglass_comes_without_being_named_and_finds_people_in_drawn_pictures():
    detector = load_detector("hourglass")
    assert (detector.name, detector.skeleton.name) == ("hourglass", "mpii16")
    hits = []
    for index in range(NUM_PICTURES):
        picture = sample("generic", seed=20_000_003, index=index, size=128)
        window = Crop((63.5, 63.5), 128.0)
        peaks = heatmap_peaks(detector.detect([CroppedView("v", 0, window, picture.image)]), [window]).pixels[0]
        hits.append((peaks - picture.joints).norm(dim=-1)[picture.visible] < CLEAR_SHARE * 128)
    assert torch.cat(hits).float().mean() > 0.6


def test_files_that_fit_are_found(tmp_path):
    shipped = find_shipped("w", written(tmp_path))
    assert (shipped.path, shipped.licence, shipped.pckh) == (tmp_path / "w.safetensors", "L", 80.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "0" * 64}, r"w\.safetensors: expected sha256 0{64}, got [0-9a-f]{64}: install"),
        ({"licence": None}, r"w\.toml: licence: Field required"),
    ],
)
def test_files_that_do_not_fit_are_named(tmp_path, changes, message):
    folder = written(tmp_path, **changes)
    with pytest.raises(DetectorError, match=message):
        find_shipped("w", folder)


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(DetectorError, match=r"gone\.safetensors: the weights that come with the package are missing"):
        find_shipped("gone", tmp_path)
    folder = written(tmp_path)
    (folder / "w.toml").write_text("sha256 = ")
    with pytest.raises(DetectorError, match=r"w\.toml: not valid TOML"):
        find_shipped("w", folder)
