"""The studio's pictures as samples, with as much around the window as augmentation may turn into it."""

from __future__ import annotations

from functools import partial

from poseharvest.arrays import ImageSize
from poseharvest.learning.heatmaps2d.rendered_source import RenderedSource
from poseharvest.learning.loop.augmentation import NO_AUGMENTATION, Augmentation
from poseharvest.skeleton.definitions import MPII16
from poseharvest.studio import World, sample

VALIDATION_SEED = 1_000_003
"""Of the series that networks are validated on, whatever they were trained on, so that runs can be compared."""

_INTERPOLATION_PX = 2


def studio_source(
    world: str | World,
    seed: int,
    count: int,
    *,
    input_size: ImageSize,
    augmentation: Augmentation = NO_AUGMENTATION,
) -> RenderedSource:
    """Return the first pictures of a series; pictures are not kept in memory, use `store_samples` for that.

    Args:
        world: "generic", "target" or a world of your own.
        seed: of the series.
        count: pictures.
        input_size: (height, width) of the network's input; a window has as many pixels as its shorter side.
        augmentation: how far the pictures will be varied.

    Raises:
        ConfigError: there is no such world; it is raised when a picture is drawn.
    """
    side = min(input_size)
    margin = augmentation.reach * max(input_size) / side + _INTERPOLATION_PX / side
    draw = partial(sample, world, seed, size=side, margin=margin)
    return RenderedSource(MPII16, count, draw, window_px=float(side), remember=False)
