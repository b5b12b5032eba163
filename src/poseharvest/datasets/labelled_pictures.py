"""Data sets of single annotated pictures (MPII, COCO): 2D positions of joints, and no cameras.

As with recordings, the picture and its labels are separate: `AnnotatedPicture.read` gives the picture, and `people` the
labels. Pixel (0, 0) is the centre of the top-left pixel; files that count from 1 are converted on reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from poseharvest.arrays import Image
from poseharvest.capture.picture_folder import read_image
from poseharvest.checks import check_shape
from poseharvest.errors import CaptureError, DatasetError
from poseharvest.reading.guard import is_file
from poseharvest.skeleton.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class PersonLabels:
    """The labels of one person in a picture.

    Attributes:
        pixels: (J, 2) float64 x, y, pixels; NaN where a joint is not labelled.
        is_visible: (J,) bool; False where a joint is hidden or not labelled.
        center: (2,) x, y of the approximate centre of the person, pixels; NaN if unknown.
        height_px: approximate height of the person, pixels; NaN if unknown.
        head_px: size of the head for PCKh, 0.6 times the diagonal of its box, pixels; NaN if unknown.
        area_px2: area of the person for OKS, pixels^2; NaN if unknown.
        box: (4,) x, y, width, height of the box around the person, pixels; NaN if unknown.
    """

    pixels: Tensor
    is_visible: Tensor
    center: Tensor
    height_px: float = float("nan")
    head_px: float = float("nan")
    area_px2: float = float("nan")
    box: Tensor | None = None

    def __post_init__(self) -> None:
        sizes = check_shape("labels: pixels", self.pixels, "J 2")
        check_shape("labels: is_visible", self.is_visible, "J", **sizes)
        check_shape("labels: center", self.center, "2")
        if self.box is not None:
            check_shape("labels: box", self.box, "4")

    @property
    def is_labelled(self) -> Tensor:
        """(J,) bool: True where the joint is labelled."""
        labelled: Tensor = torch.isfinite(self.pixels).all(-1)
        return labelled


@dataclass(frozen=True, eq=False)
class AnnotatedPicture:
    """A picture and the people labelled in it.

    Attributes:
        name: the file's name, unique within the data set.
        path: the file.
        people: the labels of the people, for training or evaluation.
    """

    name: str
    path: Path
    people: tuple[PersonLabels, ...]

    def read(self) -> Image:
        """Return the picture, (H, W, 3) RGB.

        Raises:
            CaptureError: the file is missing, truncated or damaged.
        """
        if not is_file(self.path):
            raise CaptureError(f"{self.path}: expected a picture, found nothing there")
        image = read_image(self.path)
        if image is None:
            raise CaptureError(f"{self.path}: expected a picture, got a truncated or damaged file")
        return image


@dataclass(frozen=True, eq=False)
class PictureDataset:
    """A data set of annotated pictures; each is decoded only on request.

    Attributes:
        name: name in the registry, such as "mpii".
        annotations: the file with the labels.
        skeleton: the joints of its labels.
        pictures: in the file's order.

    Raises:
        DatasetError: there is no picture, a picture occurs twice, or labels have other joints.
    """

    name: str
    annotations: Path
    skeleton: Skeleton
    pictures: tuple[AnnotatedPicture, ...]

    def __post_init__(self) -> None:
        names = [picture.name for picture in self.pictures]
        if not names:
            raise DatasetError(f"{self.annotations}: expected pictures of {self.name}, got none")
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise DatasetError(f"{self.annotations}: expected every picture once, got twice: {', '.join(twice[:3])}")
        for picture in self.pictures:
            for person in picture.people:
                check_shape(f"{self.annotations}: {picture.name}", person.pixels, "J 2", J=len(self.skeleton))

    def picture(self, name: str) -> AnnotatedPicture:
        """Return the picture of that name.

        Raises:
            DatasetError: there is no such picture.
        """
        matches = [picture for picture in self.pictures if picture.name == name]
        if not matches:
            raise DatasetError(f'{self.annotations}: expected picture "{name}", got {len(self.pictures)} others')
        return matches[0]


def by_picture(labels: Sequence[tuple[str, PersonLabels]], folder: Path) -> tuple[AnnotatedPicture, ...]:
    """Return the pictures of (file name, person) pairs with all their people, in order of first occurrence."""
    people: dict[str, list[PersonLabels]] = {}
    for name, person in labels:
        people.setdefault(name, []).append(person)
    return tuple(AnnotatedPicture(name, folder / name, tuple(of_name)) for name, of_name in people.items())


def image_folder(annotations: Path) -> Path:
    """Return the folder of pictures: `images` beside the annotations or their folder, or the folder of the file."""
    candidates = (annotations.parent / "images", annotations.parent.parent / "images")
    return next((folder for folder in candidates if folder.is_dir()), annotations.parent)
