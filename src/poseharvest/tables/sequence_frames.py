"""The frames of a sequence that are used, and the true poses of exactly these frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.datasets.protocol import PersonTruth
from poseharvest.datasets.recording_footage import DatasetFootage
from poseharvest.errors import DatasetError
from poseharvest.geometry.camera import MovingCamera
from poseharvest.geometry.rig import Rig


def thinned(footage: DatasetFootage, step: int) -> DatasetFootage:
    """Return the frames whose number is the first one's or a multiple of `step` beyond it.

    A layout that holds every fifth frame only is not changed by a step of 5. So it agrees with layouts that hold all
    frames.
    """
    places = np.flatnonzero((footage.numbers - footage.numbers[0]) % step == 0)
    if len(places) == footage.num_frames:
        return footage
    numbers = footage.numbers[places]
    gap = int(np.gcd.reduce(np.diff(numbers))) if len(numbers) > 1 else step
    cameras = tuple(
        MovingCamera(camera.name, tuple(camera.at(int(frame)) for frame in places))
        if isinstance(camera, MovingCamera)
        else camera
        for camera in footage.rig
    )
    return replace(
        footage,
        rig=Rig(cameras),
        frame_rate=footage.number_rate / gap,
        numbers=numbers,
        pictures=np.ascontiguousarray(footage.pictures[:, places]),
    )


def positions_at(truth: PersonTruth, numbers: NDArray[np.int64], *, sequence: str) -> Tensor:
    """Return the true joints (F, J, 3) of the frames that a data set calls `numbers`; NaN where there are none.

    Raises:
        DatasetError: none of these frames is annotated: footage and annotations are out of step.
    """
    places, rows = _places(truth, numbers, sequence)
    positions = torch.full((len(numbers), *truth.positions.shape[1:]), torch.nan, dtype=torch.float64)
    positions[places] = truth.positions[rows].double()
    return positions


def pixels_at(truth: PersonTruth, view: str, numbers: NDArray[np.int64], *, sequence: str) -> Tensor:
    """Return the true joints (F, J, 2) in the pictures of a view, as `positions_at` does.

    Raises:
        DatasetError: the data set has no 2D annotations of this view, or they are out of step.
    """
    if view not in truth.pixels:
        raise DatasetError(f'{sequence}: expected 2D annotations of view "{view}", got none')
    places, rows = _places(truth, numbers, sequence)
    pixels = torch.full((len(numbers), len(truth.skeleton), 2), torch.nan, dtype=torch.float64)
    pixels[places] = truth.pixels[view][rows].double()
    return pixels


def _places(truth: PersonTruth, numbers: NDArray[np.int64], sequence: str) -> tuple[Tensor, Tensor]:
    _, places, rows = np.intersect1d(numbers, truth.numbers.numpy(), return_indices=True)
    if len(places) == 0:
        raise DatasetError(
            f"{sequence}: out of step: expected annotations of frames {numbers[0]} to {numbers[-1]}, got those of "
            f"{len(truth.numbers)} others"
        )
    return torch.from_numpy(places), torch.from_numpy(rows)
