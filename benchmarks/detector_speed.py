"""How long EfficientPose-I takes: as trained, fused for inference, and in ONNX Runtime on the same weights.

python benchmarks/detector_speed.py --weights EfficientPoseI.h5 --onnx efficientpose_i.onnx --threads 1
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import torch

from poseharvest.detectors.efficientpose import load_efficientpose
from poseharvest.detectors.network import RunOptions
from poseharvest.networks.efficientpose import fuse_efficientpose

_ROUNDS = 7


def best_ms(runs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the best of several rounds of every run; the rounds alternate, so that a busy machine hurts all alike."""
    best = dict.fromkeys(runs, float("inf"))
    with torch.inference_mode():
        for _ in range(_ROUNDS):
            for name, run in runs.items():
                start = time.perf_counter()
                run()
                best[name] = min(best[name], 1000 * (time.perf_counter() - start))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = arguments.threads
    session = onnxruntime.InferenceSession(str(arguments.onnx), settings, providers=["CPUExecutionProvider"])
    network = load_efficientpose(arguments.weights, RunOptions()).network
    fused = fuse_efficientpose(network)
    for batch in (4, 16):
        pictures = torch.randn(batch, 3, 256, 256)
        last = pictures.to(memory_format=torch.channels_last)
        pieces = last.split(RunOptions().windows_at_once)
        best = best_ms({
            "as trained": lambda p=pictures: network(p),
            "fused": lambda p=last: fused(p),
            "fused, as detect() runs it": lambda p=pieces: [fused(piece) for piece in p],
            "ONNX Runtime": lambda p=pictures: session.run(None, {"image": p.numpy()}),
        })
        for name, value in best.items():
            print(f"{arguments.threads} threads, batch {batch:2d}: {name:28s} {value:7.0f} ms")


if __name__ == "__main__":
    main()
