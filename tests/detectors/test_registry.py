import json

import pytest
from safetensors.torch import save_file

from poseharvest.detectors.registry import load_detector
from poseharvest.errors import DetectorError
from poseharvest.networks.efficientpose import EfficientPose
from poseharvest.networks.hourglass import HourglassShape, StackedHourglass


@pytest.mark.data
def test_published_weights_come_from_the_cache(keras_file, monkeypatch):
    monkeypatch.setenv("POSEHARVEST_CACHE", str(keras_file.parents[1]))
    detector = load_detector("efficientpose", batch_size=2, flip_test=True)
    assert (detector.name, detector.heatmap_size, detector.needs_images) == ("efficientpose", (32, 32), True)


@pytest.mark.parametrize(
    ("network", "name"),
    [(EfficientPose(), "efficientpose"), (StackedHourglass(HourglassShape(features=8, stem=4)), "hourglass")],
)
def test_our_own_weights_say_which_network_they_are(network, name, tmp_path):
    save_file(network.state_dict(), tmp_path / "own.safetensors")
    assert load_detector(tmp_path / "own.safetensors").name == name
    assert load_detector(name, weights=tmp_path / "own.safetensors").name == name


def test_a_folder_is_keypoint_files(tmp_path):
    (tmp_path / "cam1.json").write_text(json.dumps([{"image_id": 0, "keypoints": [1, 2, 0.5] * 17}]))
    detector = load_detector(tmp_path, layout="coco17", heatmap_size=(48, 48))
    assert detector.heatmap_size == (48, 48)
    assert detector.skeleton.name == "coco17"


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (
            ("openpose",),
            {},
            r'expected "efficientpose", "hourglass", "vitpose", a .toml .* folder of keypoint files, got "openpose"',
        ),
        (("vitpose",), {}, 'detector "vitpose": expected weights='),
        (("efficientpose",), {"weights": "gone.h5"}, r"gone\.h5: expected the weights of efficientpose, got no file"),
        (
            ("model.toml",),
            {"weights": "a.onnx"},
            'weights go with "efficientpose" and "hourglass" and "vitpose", not with "model.toml"',
        ),
        (("gone.safetensors",), {}, r"gone\.safetensors: expected a safetensors file"),
        (("gone.toml",), {}, r"gone\.toml: expected a TOML file"),
        (
            ("gone.toml",),
            {"batchsize": 3},
            'options among device, batch_size, flip_test, bias_px, full_precision, got "batchsize"',
        ),
    ],
)
def test_wrong_requests_list_the_choices(arguments, options, message):
    with pytest.raises(DetectorError, match=message):
        load_detector(*arguments, **options)
