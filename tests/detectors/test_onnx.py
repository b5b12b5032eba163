"""Tiny ONNX models are written here byte by byte (they are protocol buffers), so that no exporter is needed."""

import shutil

import numpy as np
import pytest
import torch

from poseharvest.detectors.efficientpose import CHANNELS, load_efficientpose
from poseharvest.detectors.network import RunOptions
from poseharvest.detectors.onnx import OnnxOptions, load_onnx, read_description
from poseharvest.detectors.protocol import CroppedView
from poseharvest.detectors.published_weights import sha256_of
from poseharvest.errors import DetectorError
from poseharvest.geometry.crop import Crop
from poseharvest.heatmaps.maps import heatmap_peaks
from poseharvest.skeleton import definitions
from poseharvest.skeleton.skeleton import Skeleton, limbs

pytest.importorskip("onnxruntime")

COLOURS = Skeleton("colours", ("red", "blue", "green"), limbs("red-blue", "red-green"))


def varint(value):
    head = bytes([value & 127 | (128 if value > 127 else 0)])
    return head + varint(value >> 7) if value > 127 else head


def number(field, value):
    return varint(field << 3) + varint(value)


def message(field, *parts):
    content = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return varint(field << 3 | 2) + varint(len(content)) + content


def value_info(field, name, dims, kind=1):
    shape = [message(1, number(1, d) if isinstance(d, int) else message(2, d)) for d in dims]
    return message(field, message(1, name), message(2, message(1, number(1, kind), message(2, *shape))))


def reduction(operator, output, axis):
    keep = message(5, message(1, "keepdims"), number(3, 0), number(20, 2))
    axes = message(5, message(1, "axes"), number(8, axis), number(20, 7))
    return message(1, message(1, "image"), message(2, output), message(4, operator), axes, keep)


def simcc_model(size, *, batch="batch", free=False, kind=1):
    """A network whose joints are the brightest column and row of every colour; with `free`, of any input.

    `kind` is ONNX's number of the numbers' kind: 1 for float32, 11 for float64.
    """
    height, width = ("height", "width") if free else size
    graph = message(
        7,
        reduction("ReduceMax", "simcc_y", 3),
        reduction("ReduceMax", "simcc_x", 2),
        message(2, "graph"),
        value_info(11, "image", [batch, 3, height, width], kind),
        value_info(12, "simcc_y", [batch, 3, height], kind),
        value_info(12, "simcc_x", [batch, 3, width], kind),
    )
    return number(1, 7) + graph + message(8, number(2, 11))


SIMCC_TOML = """
model = "colours.onnx"
kind = "simcc"
outputs = ["simcc_x", "simcc_y"]
input_size = [64, 48]
mean = [0, 0, 0]
std = [1, 1, 1]
white = 1
skeleton = "colours"
joints = ["red", "green", "blue"]
split_ratio = 1
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setitem(definitions.SKELETONS, "colours", COLOURS)

    def write(toml=SIMCC_TOML, *, batch="batch", **about_the_model):
        (tmp_path / "colours.onnx").write_bytes(simcc_model((64, 48), batch=batch, **about_the_model))
        path = tmp_path / "colours.toml"
        path.write_text(toml)
        return path

    return write


def spots(places, size=(200, 260)):
    rows, columns = np.mgrid[: size[0], : size[1]]
    bells = [255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 8.0**2)) for x, y in places]
    return np.stack(bells, -1).round().astype(np.uint8)


@pytest.mark.parametrize("batch", ["batch", 2])
def test_simcc_vectors_become_heatmaps_in_the_skeletons_order(write, batch):
    red, green, blue = (120.0, 90.0), (150.5, 110.0), (133.0, 121.25)
    picture = spots((red, green, blue))
    crops = [Crop((135.0 + i, 105.0), 90.0 + 3 * i) for i in range(3)]
    path = write(batch=batch)
    detector = load_onnx(path, RunOptions())
    assert detector.details["model_sha256"] == sha256_of(path.parent / read_description(path).model)
    maps = detector.detect([CroppedView("a", i, crop, picture) for i, crop in enumerate(crops)])
    assert maps.shape == (3, 3, *detector.heatmap_size) == (3, 3, 12, 12)
    peaks = heatmap_peaks(maps, crops)
    expected = torch.tensor([red, blue, green], dtype=torch.float64)
    assert (peaks.pixels - expected).abs().max() < 0.5
    assert (peaks.score - 1).abs().max() < 0.1


@pytest.mark.data
def test_the_exported_network_agrees_with_ours(weights_dir, keras_file, reference, tmp_path):
    shutil.copyfile(weights_dir / "efficientpose_i.onnx", tmp_path / "net.onnx")
    names = ", ".join(f'"{joint}"' for joint in CHANNELS)
    (tmp_path / "net.toml").write_text(
        'model = "net.onnx"\nkind = "heatmap"\ninput_size = [256, 256]\nskeleton = "mpii16"\n'
        f"mean = [123.675, 116.28, 103.53]\nstd = [58.395, 57.12, 57.375]\njoints = [{names}]\n"
    )
    picture = np.pad(reference["crop_rgb"], ((10, 40), (30, 20), (0, 0)))
    views = [CroppedView("a", i, Crop((157.5 + i, 137.5), 256.0 + 20 * i), picture) for i in range(3)]
    onnx, ours = load_onnx(tmp_path / "net.toml", RunOptions()), load_efficientpose(keras_file, RunOptions())
    assert onnx.name == "net"
    assert onnx.heatmap_size == ours.heatmap_size
    assert (onnx.detect(views) - ours.detect(views)).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("split_ratio = 1", "split_ration = 1"),
            r'colours.toml: unknown key "split_ration"; did you mean "split_ratio"',
        ),
        (('kind = "simcc"', 'kind = "boxes"'), r"colours.toml: kind: Input should be 'heatmap' or 'simcc'"),
        (("mean = [0, 0, 0]\n", ""), "colours.toml: mean: Field required"),
        (("mean = ", "means = "), r'colours.toml: unknown key "means"; did you mean "mean"\?'),
        (("input_size", "inputsize"), r'colours.toml: unknown key "inputsize"; did you mean "input_size"\?'),
        (
            ("[64, 48]", "[48, 64]"),
            r"colours.onnx: input_size: expected the model's own, \[64, 48\] \(height, width\), got \[48, 64\]: height",
        ),
        (("[64, 48]", "[64, 64]"), r"input_size: expected the model's own, .*, got \[64, 64\]$"),
        (("split_ratio = 1", "split_ratio = 2"), r"expected 96 bins for x and 128 for y .*, got 48 and 64$"),
        (
            ('"simcc_x", "simcc_y"', '"simcc_y", "simcc_x"'),
            "got 64 and 48; are height and width or the two outputs swapped",
        ),
        (("split_ratio = 1", "split_ratio = "), "colours.toml: expected a TOML file"),
        (('"simcc_x"', '"simcc"'), "expected 2 of the outputs simcc_y, simcc_x, got simcc, simcc_y"),
        (('"red", "green", "blue"', '"red", "green", "black"'), "colours needs blue, which the model lacks"),
        (('"red", "green", "blue"', '"red", "green", "blue", "black"'), r"with J = 4, got \(1, 3, 48\)"),
        (('kind = "simcc"\noutputs = ["simcc_x", "simcc_y"]', 'kind = "heatmap"'), r"expected outputs \(B, J, h, w\)"),
        (('model = "colours.onnx"', 'model = "gone.onnx"'), "gone.onnx: expected an ONNX model, got no file"),
        (('model = "colours.onnx"', 'model = "colours.toml"'), "colours.toml: expected an ONNX model, got: "),
    ],
)
def test_descriptions_that_do_not_fit_are_named(write, change, message):
    path = write(SIMCC_TOML.replace(*change))
    with pytest.raises(DetectorError, match=message):
        load_onnx(path, RunOptions())


def test_a_missing_description_is_named(tmp_path):
    with pytest.raises(DetectorError, match=r"none.toml: expected a TOML file that describes an ONNX model"):
        read_description(tmp_path / "none.toml")


def test_a_model_of_any_input_is_measured_by_its_vectors(write):
    """What is free in the model is found by running it."""
    assert load_onnx(write(free=True), RunOptions()).heatmap_size == (12, 12)
    path = write(SIMCC_TOML.replace('["simcc_x", "simcc_y"]', '["simcc_y", "simcc_x"]'), free=True)
    with pytest.raises(DetectorError, match=r"expected 48 bins for x and 64 for y .*, got 64 and 48"):
        load_onnx(path, RunOptions())


def test_what_onnx_runtime_refuses_is_one_line(write):
    """A model of float64 states a shape that fits; only running it tells."""
    with pytest.raises(DetectorError) as caught:
        load_onnx(write(kind=11), RunOptions())
    assert "colours.onnx: expected a model that takes float32 pictures (1, 3, 64, 48)" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_skeleton_may_be_a_file(write, tmp_path):
    (tmp_path / "two.toml").write_text('name = "two"\njoints = ["blue", "red"]\nlimbs = [["blue", "red"]]\n')
    path = write()
    own = load_onnx(path, OnnxOptions(skeleton=str(tmp_path / "two.toml")))
    path.write_text(SIMCC_TOML.replace('"colours"', '"two.toml"'))
    beside = load_onnx(path, RunOptions())
    assert own.skeleton == beside.skeleton
    assert own.skeleton.joints == ("blue", "red")
    view = CroppedView("a", 0, Crop((135.0, 105.0), 90.0), spots(((120.0, 90.0), (150.5, 110.0), (133.0, 121.25))))
    path.write_text(SIMCC_TOML)
    whole = load_onnx(path, RunOptions())
    channels = [whole.skeleton.index(joint) for joint in own.skeleton.joints]
    assert torch.equal(own.detect([view]), whole.detect([view])[:, channels])


def test_a_copy_in_another_process_sees_the_same(write):
    """A session cannot be sent there, so the copy loads the model itself."""
    cloudpickle = pytest.importorskip("ray.cloudpickle")
    detector = load_onnx(write(), RunOptions())
    copy = cloudpickle.loads(cloudpickle.dumps(detector))
    window = [CroppedView("a", 0, Crop((135.0, 105.0), 90.0), spots(((120.0, 90.0), (133.0, 121.25), (150.5, 110.0))))]
    assert torch.equal(copy.detect(window), detector.detect(window))
    assert copy.details == detector.details
