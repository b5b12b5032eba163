"""The known data sets, and opening one of them by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from poseharvest.datasets.campus_shelf import open_campus, open_shelf
from poseharvest.datasets.coco_pictures import open_coco
from poseharvest.datasets.human36m.recordings import open_human36m
from poseharvest.datasets.kth_football import open_kth_football
from poseharvest.datasets.labelled_pictures import PictureDataset
from poseharvest.datasets.mpii_pictures import open_mpii
from poseharvest.datasets.panoptic_studio import open_panoptic
from poseharvest.datasets.protocol import MultiViewDataset
from poseharvest.errors import ConfigError

MULTI_VIEW: Mapping[str, Callable[..., MultiViewDataset]] = MappingProxyType({
    "human36m": open_human36m,
    "kth_football": open_kth_football,
    "campus": open_campus,
    "shelf": open_shelf,
    "panoptic": open_panoptic,
})
"""Data sets of calibrated recordings from several views, by name."""

PICTURES: Mapping[str, Callable[..., PictureDataset]] = MappingProxyType({
    "mpii": open_mpii,
    "coco": open_coco,
})
"""Data sets of single pictures with 2D labels, by name."""


def open_dataset(name: str, root: str | Path, **options: Any) -> MultiViewDataset:
    """Return a multi-view data set.

    Args:
        name: one of `MULTI_VIEW`.
        root: its folder.
        options: further arguments of the `open_*` function of the data set.

    Raises:
        ConfigError: there is no data set of that name.
        DatasetError: the folder does not hold that data set.
        FormatError: a file of the data set is damaged.
    """
    if name not in MULTI_VIEW:
        hint = ", which has single pictures: see open_pictures" if name in PICTURES else ""
        raise ConfigError(f'data set: expected one of {", ".join(MULTI_VIEW)}, got "{name}"{hint}')
    return MULTI_VIEW[name](Path(root), **options)


def open_pictures(name: str, annotations: str | Path, **options: Any) -> PictureDataset:
    """Return a data set of single annotated pictures.

    Args:
        name: one of `PICTURES`.
        annotations: its file with labels.
        options: further arguments of the `open_*` function of the data set.

    Raises:
        ConfigError: there is no data set of that name.
        DatasetError: there is no such file, or it contains no pictures.
        FormatError: the file is damaged, or belongs to another data set.
    """
    if name not in PICTURES:
        raise ConfigError(f'data set of pictures: expected one of {", ".join(PICTURES)}, got "{name}"')
    return PICTURES[name](Path(annotations), **options)
