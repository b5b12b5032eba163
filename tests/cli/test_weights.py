"""Weights as safetensors: the same heatmaps bit for bit, without h5py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from poseharvest.detectors.efficientpose import converted_weights
from poseharvest.detectors.protocol import CroppedView
from poseharvest.detectors.registry import load_detector
from poseharvest.errors import DetectorError
from poseharvest.geometry.crop import Crop

SOURCE = Path(__file__).resolve().parents[2] / "src"

# As if h5py were not installed: None in `sys.modules` makes its import fail.
WITHOUT_H5PY = "import sys; sys.modules['h5py'] = None; from poseharvest.cli.app import main; main()"


@pytest.fixture
def keras_file(shared_dir):
    return shared_dir / "weights" / "efficientpose_i" / "EfficientPoseI.h5"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("POSEHARVEST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def heatmaps(**options):
    picture = np.random.default_rng(4).integers(0, 256, (150, 260, 3), dtype=np.uint8)
    return load_detector("efficientpose", **options).detect([CroppedView("a", 0, Crop((120.0, 80.0), 180.0), picture)])


def without_h5py(*arguments, cache=None):
    environment = {"PYTHONPATH": str(SOURCE), "COLUMNS": "400", "POSEHARVEST_CACHE": str(cache)}
    command = [sys.executable, "-c", WITHOUT_H5PY, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.data
def test_the_heatmaps_are_the_same_bit_for_bit(run, keras_file, tmp_path):
    ended = run("weights", keras_file, "--out", tmp_path / "mine.safetensors")
    assert (ended.code, ended.out) == (0, f"wrote {tmp_path / 'mine.safetensors'}\n")
    assert torch.equal(heatmaps(weights=tmp_path / "mine.safetensors"), heatmaps(weights=keras_file))


@pytest.mark.data
def test_without_a_name_they_lie_where_the_default_detector_looks(run, keras_file, cache):
    assert run("weights", keras_file).code == 0
    assert converted_weights() == cache / "efficientpose_i" / "EfficientPoseI.safetensors"
    assert torch.equal(heatmaps(), heatmaps(weights=keras_file))
    ended = run("weights", keras_file)
    assert ended.code == 1
    assert "exists" in ended.err


@pytest.mark.data
def test_other_weights_in_that_place_are_refused(run, keras_file, cache):
    run("weights", keras_file)
    state = load_file(converted_weights())
    save_file({**state, "heads.0.bias": state["heads.0.bias"] + 1}, converted_weights())
    with pytest.raises(DetectorError, match=r"EfficientPoseI\.safetensors: expected the published weights"):
        heatmaps()


@pytest.mark.data
def test_a_missing_h5py_is_named_and_not_missed_with_safetensors(run, keras_file, cache):
    refused = without_h5py("weights", keras_file, cache=cache)
    assert refused.returncode == 1
    assert "EfficientPoseI.h5: expected h5py, which reads a Keras model in HDF5" in refused.stderr
    assert "pip install 'poseharvest[h5]'" in refused.stderr
    assert run("weights", keras_file).code == 0
    again = without_h5py("weights", "--out", cache / "again.safetensors", cache=cache)
    assert again.returncode == 0, again.stderr
    assert torch.equal(heatmaps(weights=cache / "again.safetensors"), heatmaps(weights=keras_file))


def test_an_hourglass_needs_a_name(run, tmp_path):
    assert "expected a .safetensors file for the weights of hourglass" in run("weights", "--network", "hourglass").err
    ended = run("weights", "--network", "hourglass", "--out", tmp_path / "hourglass.safetensors")
    assert ended.code == 0
    assert load_detector(tmp_path / "hourglass.safetensors").name == "hourglass"
    wrong = run("weights", "--out", tmp_path / "mine.h5")
    assert (wrong.code, "expected a name that ends in .safetensors, got mine.h5" in wrong.err) == (2, True)
