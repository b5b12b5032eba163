"""Every detector is stated once: names, paths, weights, help and tables follow from its record."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from poseharvest.detectors.detector_names import (
    OWN_WEIGHTS,
    OWN_WEIGHTS_DESCRIPTION,
    PUBLISHED_DESCRIPTION,
    describe_detectors,
)
from poseharvest.detectors.published_models import PUBLISHED_MODELS
from poseharvest.detectors.registry import (
    DETECTORS,
    NAMES,
    load_detector,
    record_of_path,
)
from poseharvest.detectors.weights_files import DETECTOR_KEY
from poseharvest.errors import DetectorError
from poseharvest.networks.efficientpose import EfficientPose
from poseharvest.networks.hourglass import StackedHourglass
from poseharvest.networks.hourglass_shape import HourglassShape

REPOSITORY = Path(__file__).resolve().parents[2]


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


def test_weights_that_hold_their_detector_s_name_need_no_look_at_the_tensors(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "own.safetensors", {DETECTOR_KEY: "hourglass"})
    assert record_of_path(tmp_path / "own.safetensors") is DETECTORS["hourglass"]


@pytest.mark.parametrize(("metadata", "of"), [({}, "another network"), ({DETECTOR_KEY: "mine"}, '"mine"')])
def test_weights_of_no_detector_are_refused(metadata, of, tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "own.safetensors", metadata)
    with pytest.raises(DetectorError, match=f"expected the weights of efficientpose or .*, got those of {of}"):
        load_detector(tmp_path / "own.safetensors")


def rows(page, first):
    """The cells of the table on a page whose first heading is `first`, row by row."""
    lines = (REPOSITORY / page).read_text(encoding="utf-8").splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith(f"| {first} |"))
    stop = next(index for index in range(start, len(lines)) if not lines[index].startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[start + 2 : stop]]


def test_which_detector_says_of_each_detector_what_the_help_says():
    expected = {f"`{record.written}`": record.description for record in DETECTORS.values()}
    expected[f"`{OWN_WEIGHTS}`"] = OWN_WEIGHTS_DESCRIPTION
    expected[", ".join(f"`{name}`" for name in PUBLISHED_MODELS)] = PUBLISHED_DESCRIPTION
    table = rows("docs/which_detector.md", "`--detector`")
    assert [row for row in table if expected.get(row[0]) != row[1]] == []
    assert len(table) > 4


def test_the_page_of_detectors_knows_only_detectors_that_there_are():
    written = [re.sub("`", "", row[0]) for row in rows("docs/detectors.md", "what")]
    assert set(written) <= {record.written for record in DETECTORS.values()}
    assert len(written) > 4


@pytest.mark.parametrize("record", DETECTORS.values(), ids=DETECTORS)
def test_the_help_describes_every_detector(record):
    assert f"{record.written}: {record.description}." in describe_detectors()
    assert (f"{record.written}:" in describe_detectors(named_only=True)) == (record.name in NAMES)
    assert "device" in {field.name for field in fields(record.options)}


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (
            ("openpose",),
            {},
            r'expected "efficientpose", "hourglass", "vitpose", .*MODEL.toml \(.*or FILE.safetensors .*got "openpose"',
        ),
        (("vitpose",), {}, 'detector "vitpose": expected weights='),
        (("efficientpose",), {"weights": "gone.h5"}, r"gone\.h5: expected the weights of efficientpose, got no file"),
        (
            ("model.toml",),
            {"weights": "a.onnx"},
            'weights go with "efficientpose" and "hourglass" and .*, not with "model.toml"',
        ),
        (("gone.safetensors",), {}, r"gone\.safetensors: expected a safetensors file"),
        (("gone.toml",), {}, r"gone\.toml: expected a TOML file"),
        (
            ("gone.toml",),
            {"batchsize": 3},
            "options among device, batch_size, flip_test, bias_px, heatmap_device, full_precision, skeleton, "
            'got "batchsize"',
        ),
    ],
)
def test_wrong_requests_list_the_choices(arguments, options, message):
    with pytest.raises(DetectorError, match=message):
        load_detector(*arguments, **options)
