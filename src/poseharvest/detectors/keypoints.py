"""Keypoints of other 2D detectors as heatmaps, so that the method runs on what a lab already has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.detectors.keypoint_files import KeypointFiles, named_rows, open_view
from poseharvest.detectors.keypoint_layouts import LAYOUTS, LayoutMap, map_layout, natural_skeleton, recognise_layout
from poseharvest.detectors.protocol import CroppedView
from poseharvest.errors import DetectorError
from poseharvest.geometry.crop import Crop
from poseharvest.heatmaps.encode import gaussian_maps
from poseharvest.skeleton.definitions import skeleton_by_name
from poseharvest.skeleton.skeleton import Skeleton

_FRAMES_TO_RECOGNISE_FROM = 20


@dataclass(frozen=True)
class KeypointOptions:
    """How keypoint files are read and drawn.

    Attributes:
        layout: names the rows of the files, one of LAYOUTS; None recognises it.
        skeleton: built-in skeleton to fill; None takes the richest that the files fill.
        frame_offset: frame of the capture minus frame number of the files.
        sigma_px: standard deviation of the bump of a joint, pixels of the heatmap. As the window grows with the
            person, so does the bump: 1 px of 64 is a 64th of the window's side.
        heatmap_size: (height, width).
        device: where the heatmaps are wanted.
    """

    layout: str | None = None
    skeleton: str | None = None
    frame_offset: int = 0
    sigma_px: float = 1.0
    heatmap_size: ImageSize = (64, 64)
    device: str = "cpu"


class KeypointDetector:
    """A HeatmapDetector, and a KeypointSource, that reads keypoint files.

    Several people in a picture all leave their bumps: which of them agree is for the other views to say.
    """

    def __init__(self, root: Path, options: KeypointOptions | None = None) -> None:
        """Open a folder.

        Raises:
            DetectorError: it is no folder, or its layout cannot be told or does not fill the skeleton.
        """
        if not root.is_dir():
            raise DetectorError(f"{root}: expected a folder of keypoint files, one folder or file a view")
        self._root = root
        self._options = options or KeypointOptions()
        self._views: dict[str, KeypointFiles] = {}

    @property
    def name(self) -> str:
        """Name for reports and for `harvest.json`."""
        return "keypoints"

    @property
    def skeleton(self) -> Skeleton:
        """The joints in channel order."""
        return self._layout.skeleton

    @property
    def heatmap_size(self) -> ImageSize:
        """(height, width) of the heatmaps."""
        return self._options.heatmap_size

    @property
    def details(self) -> dict[str, Any]:
        """Where the files lie, what they hold of each person, and how it is drawn, in plain data."""
        options = self._options
        return {
            "path": str(self._root),
            "rows": list(self._rows),
            "frame_offset": options.frame_offset,
            "sigma_px": options.sigma_px,
        }

    @property
    def needs_images(self) -> bool:
        """False: it never looks at a picture."""
        return False

    def people(self, view: str, frame: int) -> list[Tensor]:
        """Return (J, 3) float64 x, y, score of everybody in a frame; nobody where the files lack the frame.

        Raises:
            DetectorError: the view has no keypoints at all, or a person has another number of them.
            FormatError: a file is damaged.
        """
        number = frame - self._options.frame_offset
        return [self._layout.joints(self._checked(rows, view, frame)) for rows in self._files(view).people(number)]

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps (B, J, h, w) float32 of B windows; flat zero where nobody was found."""
        maps = [self.draw(self.people(view.view, view.frame), view.crop) for view in views]
        empty = torch.zeros((0, len(self.skeleton), *self.heatmap_size))
        return torch.cat([empty, *(m.unsqueeze(0) for m in maps)]).to(self._options.device)

    def draw(self, people: Sequence[Tensor], crop: Crop) -> Tensor:
        """Return the heatmaps (J, h, w) float32 of some people, (J, 3) each, in a window."""
        size = self.heatmap_size
        return draw_people(people, crop, size, num_joints=len(self.skeleton), sigma_px=self._options.sigma_px)

    def _files(self, view: str) -> KeypointFiles:
        if view not in self._views:
            self._views[view] = open_view(self._root, view)
        return self._views[view]

    def _checked(self, rows: Tensor, view: str, frame: int) -> Tensor:
        if len(rows) != len(self._rows):
            raise DetectorError(
                f'{self._root}: view "{view}", frame {frame}: expected {len(self._rows)} keypoints a person, '
                f"got {len(rows)}"
            )
        return rows

    @cached_property
    def _rows(self) -> tuple[str, ...]:
        files = self._any_files()
        named = named_rows(files.joints, self._options.layout, source=str(self._root))
        if named is not None:
            return named
        seen = [person for number in files.frames[:_FRAMES_TO_RECOGNISE_FROM] for person in files.people(number)]
        if not seen:
            raise DetectorError(f"{self._root}: nobody in the first frames: give layout= one of {', '.join(LAYOUTS)}")
        alike = [person for person in seen if len(person) == len(seen[0])]
        return LAYOUTS[recognise_layout(torch.stack(alike), source=str(self._root))]

    @cached_property
    def _layout(self) -> LayoutMap:
        wanted = self._options.skeleton
        skeleton = skeleton_by_name(wanted) if wanted else natural_skeleton(self._rows)
        return map_layout(self._rows, skeleton, source=str(self._root))

    def _any_files(self) -> KeypointFiles:
        """Return the files of the first view below the root, to learn what they hold."""
        for path in sorted(self._root.iterdir()):
            if path.is_dir() or path.suffix == ".json":
                return open_view(self._root, path.name.removesuffix(".json"))
        raise DetectorError(f"{self._root}: expected one folder or file of keypoints a view, got nothing")


def draw_people(
    people: Sequence[Tensor], crop: Crop, size: ImageSize, *, num_joints: int, sigma_px: float = 1.0
) -> Tensor:
    """Return (J, H, W) float32: everybody's bumps, each as high as the joint's score, the highest where they overlap.

    Args:
        people: (J, 3) x, y, score each, pixels of the picture.
        crop: the window.
        size: (H, W) of the heatmaps.
        num_joints: J.
        sigma_px: standard deviation of a bump, pixels of the heatmap.
    """
    maps = torch.zeros((num_joints, *size))
    for person in people:
        bumps = gaussian_maps(crop.to_window(person[:, :2], size), size, sigma_px=sigma_px)
        maps = torch.maximum(maps, (bumps * person[:, 2, None, None]).float())
    return maps
