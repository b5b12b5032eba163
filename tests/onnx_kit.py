"""ONNX models with the inputs and outputs that RTMPose is published with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

HEIGHT, WIDTH = 256, 192
PLANTED = ((120.0, 90.0), (150.5, 110.0), (133.0, 121.25))  # of red, green and blue; joint j is at colour j modulo 3


def doubled(size: int) -> np.ndarray:
    """(size, 2 size): bins of half a pixel, interpolated; bin b is pixel b / 2."""
    places = np.arange(2 * size) / 2
    return np.maximum(0, 1 - np.abs(places[None] - np.arange(size)[:, None])).astype(np.float32)


def write_rtmpose(
    path: Path,
    num_joints: int,
    *,
    names: tuple[str, str] = ("simcc_x", "simcc_y"),
    batch: object = "batch",
    size: tuple[int, int] = (HEIGHT, WIDTH),
) -> Path:
    """A model with RTMPose's input and outputs, whose joints are the brightest columns and rows of the colours."""
    import onnx

    height, width = size
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    channels = onnx.numpy_helper.from_array(np.arange(num_joints) % 3, "channels")
    nodes, constants = [], [channels]
    for name, axis, side in zip(names, (2, 3), (width, height), strict=True):
        constants.append(onnx.numpy_helper.from_array(doubled(side), f"doubled_{name}"))
        nodes += [
            helper.make_node("ReduceMax", ["input"], [f"{name}_sides"], axes=[axis], keepdims=0),
            helper.make_node("Gather", [f"{name}_sides", "channels"], [f"{name}_joints"], axis=1),
            helper.make_node("MatMul", [f"{name}_joints", f"doubled_{name}"], [name]),
        ]
    outputs = [
        helper.make_tensor_value_info(name, number, [batch, num_joints, 2 * side])
        for name, side in zip(names, (width, height), strict=True)
    ]
    graph_input = helper.make_tensor_value_info("input", number, [batch, 3, height, width])
    graph = helper.make_graph(nodes, "rtmpose", [graph_input], outputs, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path
