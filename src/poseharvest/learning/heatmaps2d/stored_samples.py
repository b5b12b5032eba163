"""Samples that are slow to draw: several processes draw them once into a folder, which is mapped into memory.

pixels.npy    (N, H, W, 3) uint8, mapped into memory
labels.npy    (N, J + 2, 3) float64: a row (x, y, weight) a joint, the window as (x, y, side), and (head_px, 0, 0)
samples.json  what the samples are
"""

from __future__ import annotations

import json
import math
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.arrays import FloatArray
from poseharvest.errors import FormatError, StoreError, TrainingError
from poseharvest.geometry.crop import Crop
from poseharvest.learning.loop.samples import SampleSource, TrainingSample
from poseharvest.reading.documents import load_json
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.storage.disk import os_errors_as_store_errors
from poseharvest.storage.staging import StagedFolder

FORMAT: Final = "poseharvest samples"
PIXELS, LABELS, RECORD = "pixels.npy", "labels.npy", "samples.json"
_AT_ONCE = 16

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class StoredSamples:
    """Samples in a folder: a `SampleSource`.

    Attributes:
        skeleton: their joints.
        pixels: (N, H, W, 3) RGB, on the disk.
        labels: (N, J + 2, 3), see the module.
    """

    skeleton: Skeleton
    pixels: Pixels
    labels: FloatArray

    def __len__(self) -> int:
        return len(self.pixels)

    def sample(self, index: int) -> TrainingSample:
        """Return sample `index`."""
        *joints, window, head = self.labels[index]
        rows = torch.from_numpy(np.stack(joints))
        return TrainingSample(
            picture=torch.from_numpy(np.array(self.pixels[index])).permute(2, 0, 1),
            joints=rows[:, :2],
            weight=rows[:, 2].float(),
            window=Crop((float(window[0]), float(window[1])), float(window[2])),
            head_px=float(head[0]),
        )


def store_samples(
    source: SampleSource,
    folder: Path,
    *,
    description: Mapping[str, Any],
    workers: int = 1,
    on_drawn: Callable[[int, int], None] | None = None,
) -> StoredSamples:
    """Return the samples of a source out of a folder, written first unless they lie there already.

    Args:
        source: gives pictures of uint8 and of one size; with several workers it must be possible to send it to them.
        folder: to read or to make.
        description: what the samples are, in plain data; a folder with the same description is taken as it is.
        workers: processes that draw.
        on_drawn: called with the number drawn so far and the number of all samples.

    Raises:
        TrainingError: the pictures differ in size, or are not of uint8, or a process that draws was ended.
        StoreError: the folder holds something else, or cannot be written, or its disk is too full.
    """
    record = json.loads(json.dumps({"format": FORMAT, **description, "count": len(source)}))
    if _record_of(folder) != record:
        staged = StagedFolder(folder, replaceable=is_stored)
        try:
            with os_errors_as_store_errors(folder):
                _write(source, staged.path, workers, on_drawn or (lambda _done, _all: None))
                (staged.path / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
            staged.commit()
        finally:
            staged.discard()
    pixels = np.load(folder / PIXELS, mmap_mode="r")
    return StoredSamples(source.skeleton, pixels, np.load(folder / LABELS))


def is_stored(folder: Path) -> bool:
    """Return whether a folder holds samples of ours."""
    return _record_of(folder) is not None


def _record_of(folder: Path) -> dict[str, Any] | None:
    try:
        content = load_json(folder / RECORD)
    except FormatError:
        return None
    return content if isinstance(content, dict) and content.get("format") == FORMAT else None


def _write(source: SampleSource, folder: Path, workers: int, on_drawn: Callable[[int, int], None]) -> None:
    first, _ = _as_arrays(source, 0)
    shape = (len(source), *first.shape)
    _require_room(folder, math.prod(shape))
    pixels: Pixels = np.lib.format.open_memmap(folder / PIXELS, mode="w+", dtype=np.uint8, shape=shape)
    labels = np.zeros((len(source), len(source.skeleton) + 2, 3))
    for index, (image, rows) in enumerate(_draw_all(source, workers)):
        if image.shape != first.shape:
            raise TrainingError(f"samples: expected pictures of {first.shape}, got {image.shape} as number {index}")
        pixels[index], labels[index] = image, rows
        on_drawn(index + 1, len(source))
    pixels.flush()  # type: ignore[attr-defined]
    np.save(folder / LABELS, labels)


def _require_room(folder: Path, needed: int) -> None:
    """Raise StoreError where the disk is too full: writing to a mapped file would end the process without a message."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StoreError(f"{folder.parent}: expected {needed / 1e9:.3g} GB free for the pictures, got {free / 1e9:.3g}")


def _draw_all(source: SampleSource, workers: int) -> Iterator[tuple[Pixels, FloatArray]]:
    """Give every sample as arrays, in order."""
    if workers <= 1:
        yield from (_as_arrays(source, index) for index in range(len(source)))
        return
    starts = range(0, len(source), _AT_ONCE)
    # A fork would copy PyTorch's threads in the middle of their work.
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_prepare_process) as pool:
        try:
            for samples in pool.map(partial(_draw_some, source), starts):
                yield from samples
        except BrokenProcessPool as error:
            raise TrainingError(f"samples: one of {workers} processes that draw was ended: try fewer") from error


def _prepare_process() -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one ends the others


def _draw_some(source: SampleSource, start: int) -> list[tuple[Pixels, FloatArray]]:
    return [_as_arrays(source, index) for index in range(start, min(start + _AT_ONCE, len(source)))]


def _as_arrays(source: SampleSource, index: int) -> tuple[Pixels, FloatArray]:
    sample = source.sample(index)
    if sample.picture.dtype != torch.uint8:
        raise TrainingError(f"samples: expected pictures of uint8, got {sample.picture.dtype}")
    joints = torch.cat((sample.joints.double(), sample.weight.double().unsqueeze(-1)), -1).numpy()
    ends = np.array(((*sample.window.center, sample.window.side), (sample.head_px, 0.0, 0.0)))
    return sample.picture.permute(1, 2, 0).contiguous().numpy(), np.concatenate((joints, ends))
