"""ONNX models without a description: written here with the inputs and outputs that RTMPose is published with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from onnx_kit import HEIGHT, PLANTED, WIDTH, write_rtmpose
from poseharvest.detectors.keypoint_layouts import LAYOUTS
from poseharvest.detectors.onnx_alone import Output, describe_outputs
from poseharvest.detectors.protocol import CroppedView
from poseharvest.detectors.registry import load_detector
from poseharvest.errors import DetectorError
from poseharvest.geometry.crop import Crop
from poseharvest.heatmaps.maps import heatmap_peaks

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def heatmaps(path: Path, num_joints: int, stride: int = 4) -> Path:
    """A model that gives heatmaps: means of squares of the picture, of one colour for each joint."""
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    channels = onnx.numpy_helper.from_array(np.arange(num_joints) % 3, "channels")
    nodes = [
        helper.make_node("AveragePool", ["input"], ["small"], kernel_shape=[stride, stride], strides=[stride, stride]),
        helper.make_node("Gather", ["small", "channels"], ["heatmaps"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "heatmaps",
        [helper.make_tensor_value_info("input", number, ["batch", 3, HEIGHT, WIDTH])],
        [helper.make_tensor_value_info("heatmaps", number, ["batch", num_joints, HEIGHT // stride, WIDTH // stride])],
        [channels],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def peaks_in(path: Path) -> tuple[tuple[str, ...], torch.Tensor]:
    """The skeleton's joints, and where the detector sees them in a picture with the planted colours."""
    rows, columns = np.mgrid[:200, :260]
    bells = [255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 8.0**2)) for x, y in PLANTED]
    picture = np.stack(bells, -1).round().astype(np.uint8)
    detector = load_detector(path)
    crops = [Crop((135.0 + i, 105.0), 90.0 + 3 * i) for i in range(2)]
    maps = detector.detect([CroppedView("a", i, crop, picture) for i, crop in enumerate(crops)])
    return detector.skeleton.joints, heatmap_peaks(maps, crops).pixels


@pytest.mark.parametrize(("num_joints", "layout"), [(17, "coco17"), (26, "halpe26"), (133, "coco133")])
@pytest.mark.parametrize("batch", ["batch", 1])
def test_joints_lie_where_they_were_planted(tmp_path: Path, num_joints: int, layout: str, batch: object) -> None:
    joints, pixels = peaks_in(write_rtmpose(tmp_path / "rtmpose-m.onnx", num_joints, batch=batch))
    expected = torch.tensor([PLANTED[LAYOUTS[layout].index(joint) % 3] for joint in joints], dtype=torch.float64)
    assert float((pixels - expected).norm(dim=-1).max()) < 1


def test_feet_are_in_the_tree(tmp_path: Path) -> None:
    for num_joints in (26, 133):
        joints, _ = peaks_in(write_rtmpose(tmp_path / f"{num_joints}.onnx", num_joints))
        assert {"left_heel", "right_big_toe"} <= {*joints}


def test_heatmaps_are_told_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    joints, pixels = peaks_in(heatmaps(tmp_path / "hrnet.onnx", 17))
    assert "if it means the corner, as HRNet of MMPose does, all joints lie 1.5 px" in caplog.text
    caplog.clear()
    load_detector(tmp_path / "hrnet.onnx", bias_px=(1.5, 1.5))
    assert caplog.text == ""
    expected = torch.tensor([PLANTED[LAYOUTS["coco17"].index(joint) % 3] for joint in joints], dtype=torch.float64)
    assert float((pixels - expected).norm(dim=-1).max()) < 1


@pytest.mark.parametrize("names", [("simcc_x", "simcc_y"), ("out_0", "out_1")])
def test_the_order_of_the_vectors_follows_from_their_lengths(names: tuple[str, str]) -> None:
    x, y = Output(names[0], (1, 17, 384)), Output(names[1], (1, 17, 512))
    for outputs in ([x, y], [y, x]):
        description, _ = describe_outputs(Path("a.onnx"), (256, 192), outputs)
        assert description.outputs == names
        assert description.split_ratio == 2


def test_a_square_input_goes_by_the_names() -> None:
    x, y = Output("simcc_x", (1, 17, 768)), Output("simcc_y", (1, 17, 768))
    for outputs in ([x, y], [y, x]):
        description, _ = describe_outputs(Path("a.onnx"), (384, 384), outputs)
        assert description.outputs == ("simcc_x", "simcc_y")
        assert description.split_ratio == 2


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ([Output("dets", (1, 8, 5)), Output("keypoints", (1, 8, 17, 3))], "as RTMO does, and no heatmaps"),
        ([Output("output0", (1, 56, 8400))], r"got output0 \(1, 56, 8400\)"),
        ([Output("x", (1, 14, 384)), Output("y", (1, 14, 512))], "got 14: several layouts"),
        ([Output("x", (1, 17, 384)), Output("y", (1, 17, 500))], "expected a pose network"),
        ([], "got none"),
    ],
)
def test_other_models_are_refused_by_what_they_give(outputs: list[Output], message: str) -> None:
    with pytest.raises(DetectorError, match=message):
        describe_outputs(Path("a.onnx"), (256, 192), outputs)


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(DetectorError, match=r"a\.onnx: expected an ONNX model"):
        load_detector(path)
    with pytest.raises(DetectorError, match=r"b\.onnx: expected an ONNX model, got no file"):
        load_detector(tmp_path / "b.onnx")


def test_a_runtime_without_a_gpu_stays_on_the_processor(tmp_path, monkeypatch):
    import onnxruntime

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    detector = load_detector(write_rtmpose(tmp_path / "net.onnx", 17), device="auto")
    assert detector.details["device"] == "cpu"
