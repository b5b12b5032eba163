"""What "auto" becomes. No GPU is needed: what torch would see is told, and what is asked of it then is looked at."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

from poseharvest.detectors.registry import load_detector
from poseharvest.devices import check_device, fastest_device, inference_device, network_device
from poseharvest.errors import ConfigError, DetectorError, HarvestError
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.networks.hourglass import StackedHourglass
from poseharvest.networks.hourglass_shape import HourglassShape


@pytest.fixture(params=[False, True], ids=["no GPU", "a GPU"])
def has_gpu(request, monkeypatch) -> bool:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param)
    return request.param


def test_networks_run_on_a_gpu_and_inference_on_the_processor(has_gpu):
    assert fastest_device() == network_device("auto") == ("cuda" if has_gpu else "cpu")
    assert inference_device("auto") == "cpu"


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:1", "meta"])
def test_a_named_device_stays(has_gpu, device):
    assert network_device(device) == inference_device(device) == device


@pytest.mark.parametrize("make", [HarvestOptions, TrainingOptions])
def test_a_device_that_is_not_there_is_refused(make):
    with pytest.raises(ConfigError, match=r'device: "tpu9" cannot be used: .*tpu9'):
        make(device="tpu9")


def test_the_error_is_the_caller_s():
    check_device("cpu")
    with pytest.raises(HarvestError, match='net: "xyz" cannot be used') as caught:
        check_device("xyz", what="net", error=DetectorError)
    assert isinstance(caught.value, DetectorError)


def test_a_detector_says_where_it_runs(tmp_path, monkeypatch):
    path = tmp_path / "net.safetensors"
    save_file(StackedHourglass(HourglassShape(1, features=16)).state_dict(), path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert load_detector("hourglass", weights=path, device="auto").details["device"] == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    if torch.version.cuda is None:
        with pytest.raises(DetectorError, match='device: "cuda" cannot be used'):  # it was asked for
            load_detector("hourglass", weights=path, device="auto")


def test_keypoints_need_no_gpu(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for view in ("one", "two"):
        person = [value for joint in range(17) for value in (10.0 * joint, 5.0 * joint, 0.9)]
        text = json.dumps([{"image_id": 0, "category_id": 1, "keypoints": person, "score": 0.9}])
        (tmp_path / f"{view}.json").write_text(text)
    assert load_detector(tmp_path, device="auto", layout="coco17").skeleton.joints
