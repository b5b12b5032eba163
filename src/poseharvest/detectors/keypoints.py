"""Keypoints of other 2D detectors as heatmaps, so that the method runs on what a lab already has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.capture.frames import ViewPictures
from poseharvest.detectors.detector_record import DetectorRecord
from poseharvest.detectors.keypoint_files import KeypointFiles
from poseharvest.detectors.keypoint_folder import KeypointFolder, is_keypoint_file, sample_people
from poseharvest.detectors.keypoint_hands import HandRows, any_hands_beside, hands_beside
from poseharvest.detectors.keypoint_numbers import Numbering, ViewNumbers, compare_numbers
from poseharvest.detectors.layout_choice import ChosenLayout, LayoutWish, choose_rows
from poseharvest.detectors.protocol import CroppedView, FittedDetector
from poseharvest.errors import DetectorError
from poseharvest.findings import Finding
from poseharvest.geometry.crop import Crop
from poseharvest.heatmaps.encode import raise_to_gaussians
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.storage.fingerprint import fingerprint_of

_FEW_FILES = 64  # of which the content is compared, and not only the size


@dataclass(frozen=True)
class KeypointOptions:
    """How keypoint files are read and drawn.

    Attributes:
        layout: names the rows of the files, one of LAYOUTS or a layout file (.toml); None recognises it.
        skeleton: a built-in skeleton to fill, or a skeleton file (.toml); None keeps every joint that the files hold.
        frame_offset: added to the number of a file it is the number of the picture of its view, from 0; one for all
            views, or by view; None finds it out by comparing the numbers with the footage.
        sigma_px: standard deviation of the bump of a joint, pixels of the heatmap. As the window grows with the
            person, so does the bump: 1 px of 64 is a 64th of the window's side.
        heatmap_size: (height, width).
        device: where the heatmaps are wanted.
    """

    layout: str | None = None
    skeleton: str | None = None
    frame_offset: int | Mapping[str, int] | None = None
    sigma_px: float = 1.0
    heatmap_size: ImageSize = (64, 64)
    device: str = "cpu"


class KeypointDetector:
    """A HeatmapDetector, and a KeypointSource, that reads keypoint files.

    Several people in a picture all leave their bumps: which of them agree is for the other views to say.
    """

    def __init__(
        self,
        root: Path,
        options: KeypointOptions | None = None,
        *,
        folder: KeypointFolder | None = None,
        numbering: Mapping[str, Numbering] | None = None,
    ) -> None:
        """Open a folder.

        Args:
            root: the folder.
            options: the defaults if None.
            folder: the same folder, opened before.
            numbering: of the views, where it is known from the footage (`fitted_to`).

        Raises:
            DetectorError: it is no folder.
        """
        self._folder = folder or KeypointFolder(root)
        self._root = root
        self._options = options or KeypointOptions()
        self._numbering = numbering

    def fitted_to(self, pictures: Sequence[ViewPictures]) -> FittedDetector:
        """Return the detector whose numbers have been compared with the footage, and what was taken.

        Raises:
            DetectorError: a view has no files, the numbers cannot be pictures of the footage, or the layout cannot be
                told.
            FormatError: a file is damaged.
        """
        files = [self._numbers(one.view) for one in pictures]
        compared = compare_numbers(files, pictures, offsets=self._offsets(pictures), source=str(self._root))
        fitted = KeypointDetector(self._root, self._options, folder=self._folder, numbering=compared.of_view)
        return FittedDetector(fitted, (*fitted.findings, *compared.findings))

    @property
    def name(self) -> str:
        """Name for reports and for `harvest.json`."""
        return "keypoints"

    @property
    def skeleton(self) -> Skeleton:
        """The joints in channel order."""
        return self._chosen.map.skeleton

    @property
    def heatmap_size(self) -> ImageSize:
        """(height, width) of the heatmaps."""
        return self._options.heatmap_size

    @property
    def details(self) -> dict[str, Any]:
        """Where the files lie, what they hold of each person, and how it is drawn, in plain data."""
        options, offset = self._options, self._options.frame_offset
        return {
            "path": str(self._root),
            "rows": list(self._chosen.rows),
            "frame_offset": dict(offset) if isinstance(offset, Mapping) else offset,
            "numbers": {view: self._described(view) for view in self._numbering or ()},
            "sigma_px": options.sigma_px,
        }

    @property
    def fingerprint(self) -> dict[str, int | str]:
        """What tells the files from others: their number, their size, and a hash of sizes and ends, as plain data.

        Raises:
            DetectorError: a file cannot be read.
        """
        try:
            files = sorted(path for path in self._root.rglob("*") if is_keypoint_file(path))
            ends = files if len(files) <= _FEW_FILES else (files[0], files[-1])
            return {"files": len(files), **fingerprint_of(files, ends)}
        except OSError as error:
            raise DetectorError(f"{self._root}: cannot be read: {error.strerror or error}") from error

    def _described(self, view: str) -> dict[str, Any]:
        """Return the numbers of a view's files in plain data."""
        numbers, taken = self._numbers(view).numbers, (self._numbering or {})[view]
        ends = {"first": numbers[0], "last": numbers[-1]} if numbers else {}
        how = {"offset": taken.offset} if taken.number_of is None else {"by_name": True}
        return {"count": len(numbers), **ends, **how}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Which layout was taken, and what is odd about it."""
        return self._chosen.findings

    @property
    def needs_images(self) -> bool:
        """False: it never looks at a picture."""
        return False

    @property
    def root(self) -> Path:
        """The folder of the files."""
        return self._root

    def num_pictures(self) -> dict[str, int]:
        """Return how many pictures each view has at least, by its name: for captures without footage.

        All have as many, from the lowest number of any view to the highest; or, where the views' numbers lie further
        apart than they reach, as many as the longest view.

        Raises:
            DetectorError: there are no files.
        """
        found = [numbers for view in self._folder.view_names() if (numbers := self._numbers(view)).numbers]
        offset = self._options.frame_offset
        offsets = offset if isinstance(offset, Mapping) else dict.fromkeys((one.view for one in found), offset or 0)
        if offset is not None and all(one.view in offsets for one in found):
            return {one.view: max(1, one.numbers[-1] + offsets[one.view] + 1) for one in found}
        longest = max(one.span for one in found)
        shared = max(one.numbers[-1] for one in found) - min(one.numbers[0] for one in found) + 1
        return dict.fromkeys((one.view for one in found), shared if shared <= 2 * longest else longest)

    def people(self, view: str, picture: int) -> list[Tensor]:
        """Return (J, 3) float64 x, y, score of everybody in a picture; nobody where the files lack it.

        Args:
            view: the camera's name.
            picture: which of the view's own pictures, from 0; -1 for none.

        Raises:
            DetectorError: the view has no keypoints at all, or a person has another number of them.
            FormatError: a file is damaged.
        """
        number = self._numbering_of(view).number(picture)
        people = [] if number is None else self._folder.files(view).people(number)
        return [self._chosen.map.joints(self._checked(rows, view, picture)) for rows in people]

    @cached_property
    def holds_hands(self) -> bool:
        """Whether the files hold joints of hands, in rows of their own or in lists beside the bodies."""
        return self._hand_rows.has_any or any_hands_beside(self._views())

    def hands(self, view: str, picture: int) -> list[Tensor]:
        """Return (2, 21, 3) float64 x, y, score of the hands of everybody in a picture, as `people` has them.

        Args:
            view: the camera's name.
            picture: which of the view's own pictures, from 0; -1 for none.

        Raises:
            DetectorError: the view has no keypoints at all, or a person has another number of them.
            FormatError: a file is damaged.
        """
        number = self._numbering_of(view).number(picture)
        if number is None:
            return []
        files = self._folder.files(view)
        people = [self._checked(rows, view, picture) for rows in files.people(number)]
        beside = hands_beside(files, number) or [None] * len(people)
        return [self._hand_rows.hands(rows, one) for rows, one in zip(people, beside, strict=True)]

    @cached_property
    def _hand_rows(self) -> HandRows:
        return HandRows.of(self._chosen.rows)

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps (B, J, h, w) float32 of B windows; flat zero where nobody was found."""
        maps = [self.draw(self.people(view.view, view.picture), view.crop) for view in views]
        empty = torch.zeros((0, len(self.skeleton), *self.heatmap_size))
        return torch.cat([empty, *(m.unsqueeze(0) for m in maps)]).to(self._options.device)

    def draw(self, people: Sequence[Tensor], crop: Crop) -> Tensor:
        """Return the heatmaps (J, h, w) float32 of some people, (J, 3) each, in a window."""
        size = self.heatmap_size
        return draw_people(people, crop, size, num_joints=len(self.skeleton), sigma_px=self._options.sigma_px)

    def _numbering_of(self, view: str) -> Numbering:
        if self._numbering is not None:
            return self._numbering.get(view) or Numbering()
        offset = self._options.frame_offset
        return Numbering((offset.get(view, 0) if isinstance(offset, Mapping) else offset) or 0)

    def _numbers(self, view: str) -> ViewNumbers:
        files = self._folder.files(view)
        return ViewNumbers(view, files.frames, files.names, files.lists_every_picture)

    def _offsets(self, pictures: Sequence[ViewPictures]) -> dict[str, int]:
        """Return the offsets that the user gave, by view."""
        names, offset = [one.view for one in pictures], self._options.frame_offset
        if not isinstance(offset, Mapping):
            return {} if offset is None else dict.fromkeys(names, offset)
        unknown = [view for view in offset if view not in names]
        if unknown:
            raise DetectorError(
                f"{self._root}: frame_offset: expected views of {', '.join(names)}, got {', '.join(unknown)}"
            )
        return dict(offset)

    def _views(self) -> list[KeypointFiles]:
        """Return the files of all views: those of the footage, or of all that lie in the folder."""
        names = self._folder.view_names() if self._numbering is None else tuple(self._numbering)
        return [self._folder.files(name) for name in names]

    def _checked(self, rows: Tensor, view: str, picture: int) -> Tensor:
        wanted = len(self._chosen.rows)
        if len(rows) != wanted:
            raise DetectorError(
                f'{self._root}: view "{view}", picture {picture}: expected {wanted} keypoints a person, got {len(rows)}'
            )
        return rows

    @cached_property
    def _chosen(self) -> ChosenLayout:
        """How the rows are read, by people of all views and from moments spread over the take."""
        views, options = self._views(), self._options
        joints = next((files.joints for files in views if files.joints), None)
        wish = LayoutWish(options.layout, options.skeleton, joints)
        return choose_rows(wish, sample_people(views), source=str(self._root))


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
        raise_to_gaussians(maps, crop.to_window(person[:, :2], size), person[:, 2], sigma_px=sigma_px)
    return maps


DETECTOR = DetectorRecord(
    name="keypoints",
    path_form="FOLDER",
    description="keypoints that you have: OpenPose, COCO, AlphaPose, MMPose, DeepLabCut, SLEAP; no videos are needed",
    load=KeypointDetector,
    recognises=Path.is_dir,
    options=KeypointOptions,
)
