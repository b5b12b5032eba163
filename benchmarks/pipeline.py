"""A harvest's wall time over that of its network's forward passes alone: same process, same batches.

OMP_WAIT_POLICY=PASSIVE python benchmarks/pipeline.py CAPTURE --calibration FILE

The clock runs from opening the capture to the finished harvest folder, without imports and without the report. Then
every batch that the network saw goes through it again, with nothing beside it. The command line sets the policy itself:
waiting threads sleep instead of spinning.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

from poseharvest.capture.capture import Capture
from poseharvest.detectors.registry import load_detector
from poseharvest.harvesting.harvest_capture import harvest


class Recorder:
    """Keeps the batches that go into whole networks."""

    def __init__(self) -> None:
        self.batches: list[tuple[nn.Module, Tensor]] = []
        self._whole: set[int] = set()
        self._parts: set[int] = set()

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Keep the batch if the module is no part of another."""
        if id(module) in self._parts:
            return
        if id(module) not in self._whole:
            self._whole.add(id(module))
            self._parts.update(id(part) for part in module.modules() if part is not module)
        self.batches.append((module, inputs[0].clone(memory_format=torch.preserve_format)))


def seconds_alone(batches: list[tuple[nn.Module, Tensor]]) -> float:
    start = time.perf_counter()
    with torch.inference_mode():
        for module, windows in batches:
            module(windows)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--detector", default="efficientpose")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    detector = load_detector(arguments.detector)
    recorder = Recorder()
    hook = register_module_forward_pre_hook(recorder)
    with tempfile.TemporaryDirectory() as folder:
        before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        harvest(Capture.open(arguments.capture, calibration=arguments.calibration), detector, Path(folder) / "out")
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    hook.remove()
    alone = min(seconds_alone(recorder.batches) for _ in range(3))
    windows = sum(len(batch) for _, batch in recorder.batches)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    print(f"{windows} windows in {len(recorder.batches)} batches, {arguments.threads} threads")
    print(f"harvest {wall:.1f} s (processor: {user:.1f} s user, {system:.1f} s system), forward alone {alone:.1f} s")
    print(f"ratio {wall / alone:.2f}")


if __name__ == "__main__":
    main()
