"""The pictures that a network is fine-tuned on: the surroundings of the person, cut out of the footage once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.annotations.reader import Harvest
from poseharvest.capture.frames import FrameSource
from poseharvest.detectors.network import Preprocessing
from poseharvest.detectors.turned import turn_image, turn_points
from poseharvest.errors import CaptureError
from poseharvest.geometry.crop import Crop, extract
from poseharvest.learning.loop.samples import TrainingSample
from poseharvest.learning.personalize.labels import PictureLabels
from poseharvest.skeleton.skeleton import Skeleton

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class HarvestPictures:
    """Samples of a harvest: a `SampleSource`.

    Attributes:
        skeleton: the joints of the labels.
        labels: one a picture.
        pixels: (N, S, S, 3) RGB, the surroundings of every window; on the disk, not in memory.
        window_px: the window's side, pixels of its surroundings, in whose middle it lies.
        turns: degrees clockwise by which the surroundings are turned against the picture, one a label.
    """

    skeleton: Skeleton
    labels: Sequence[PictureLabels]
    pixels: Pixels
    window_px: int
    turns: Sequence[int]

    def __len__(self) -> int:
        return len(self.labels)

    def __getstate__(self) -> dict[str, Any]:
        """Return what goes to another process: the name of the file in place of its pixels."""
        if not isinstance(self.pixels, np.memmap):
            return dict(self.__dict__)
        self.pixels.flush()
        return {**self.__dict__, "pixels": Path(str(self.pixels.filename))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Open the file of the pixels."""
        pixels = state["pixels"]
        self.__dict__.update({
            **state,
            "pixels": np.load(pixels, mmap_mode="r") if isinstance(pixels, Path) else pixels,
        })

    def sample(self, index: int) -> TrainingSample:
        """Return picture `index` with its labels."""
        labels, side = self.labels[index], self.pixels.shape[1]
        wide = surroundings(labels.crop, side / self.window_px)
        middle = (side - 1) / 2
        joints = wide.to_window(labels.joints.double(), (side, side))
        return TrainingSample(
            picture=torch.from_numpy(np.array(self.pixels[index])).permute(2, 0, 1),
            joints=turn_points(joints, (side, side), self.turns[index]),
            weight=labels.known.float() if labels.weight is None else labels.known * labels.weight.float(),
            window=Crop((middle, middle), float(self.window_px)),
            depth_mm=labels.depth_mm,
            held=None if labels.held is None else labels.held.float(),
        )


def surroundings(crop: Crop, reach: float) -> Crop:
    """Return the window `reach` times as large about the same middle."""
    return Crop(crop.center, crop.side * reach)


def turns_of(harvest: Harvest) -> dict[str, int]:
    """Return by how many degrees clockwise the network of a harvest saw pictures turned, by view; 0 if not there."""
    turns = harvest.info.detector.details.get("turns")
    return {view: int(str(degrees)) for view, degrees in turns.items()} if isinstance(turns, dict) else {}


def cut_pictures(  # noqa: PLR0913 - what to cut, from where, to where
    capture: FrameSource,
    skeleton: Skeleton,
    labels: Sequence[PictureLabels],
    *,
    preprocessing: Preprocessing,
    reach: float,
    file: Path,
    on_frame: Callable[[int], None],
    turns: Mapping[str, int] | None = None,
) -> HarvestPictures:
    """Return the pictures of some labels, cut out of the footage into a file.

    Args:
        capture: the footage that was harvested.
        skeleton: the joints of the labels.
        labels: in order of frames.
        preprocessing: how the network wants its pictures.
        reach: how many times the window's side is kept.
        file: takes the pixels, N x S x S x 3 bytes; it must outlive what is returned.
        on_frame: called with each frame that is cut.
        turns: degrees clockwise by which views' pictures are turned so that people stand upright (`turns_of`).

    Raises:
        CaptureError: the footage lacks a picture that the harvest was made from.
    """
    window_px = min(preprocessing.input_size)
    # A window that is not varied then meets the stored pixels exactly, without being resampled a second time.
    margin = int(np.ceil(window_px * (reach - 1) / 2)) + (max(preprocessing.input_size) - window_px) // 2
    side = window_px + 2 * margin
    pixels: Pixels = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=(len(labels), side, side, 3))
    by_label = [(turns or {}).get(capture.rig.names[label.view], 0) for label in labels]
    by_frame = {frame: list(group) for frame, group in groupby(enumerate(labels), key=lambda pair: pair[1].frame)}
    for frame in capture.frames(min(by_frame), max(by_frame) + 1):
        for index, wanted in by_frame.pop(frame.index, []):
            image = frame.images[wanted.view]
            if image is None:
                view = capture.rig.names[wanted.view]
                raise CaptureError(
                    f'{capture.name}: view "{view}", frame {frame.index}: the harvest saw a picture '
                    "that the footage lacks: is it the same footage?"
                )
            cut = extract(image, surroundings(wanted.crop, side / window_px), (side, side))
            pixels[index] = turn_image(cut, by_label[index])
        on_frame(frame.index)
    if by_frame:
        raise CaptureError(
            f"{capture.name}: expected frame {max(by_frame)} of the harvest, the footage has {capture.num_frames}"
        )
    return HarvestPictures(skeleton, labels, pixels, window_px, by_label)
