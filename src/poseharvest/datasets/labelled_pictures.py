"""What a data set of single annotated pictures is: no cameras, only where joints appear (MPII, COCO).

As with recordings, a picture and its truth are two objects: `AnnotatedPicture.read` gives pixels, `truth` the labels.
Pixel (0, 0) is the centre of the top-left pixel; files that count from 1 are converted when they are read.
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
from poseharvest.skeleton.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class PersonLabels:
    """What is known of one person in a picture.

    Attributes:
        pixels: (J, 2) float64 x, y; NaN where a joint is not labelled.
        is_visible: (J,) bool; False where a joint is hidden or not labelled.
        center: (2,) x, y about the middle of the person; NaN if unknown.
        height_px: about the person's height in pixels; NaN if unknown.
        head_px: size of the head, 0.6 of the diagonal of its box, which PCKh divides by; NaN if unknown.
        area_px2: area of the person, which OKS divides by; NaN if unknown.
        box: (4,) x, y, width, height of the person; NaN if unknown.
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
        """(J,) bool: the joint has a place in the picture."""
        labelled: Tensor = torch.isfinite(self.pixels).all(-1)
        return labelled


@dataclass(frozen=True, eq=False)
class AnnotatedPicture:
    """A picture and the people labelled in it.

    Attributes:
        name: the file's name, unique within the data set.
        path: the file.
        people: their labels: to train on or to judge by.
    """

    name: str
    path: Path
    people: tuple[PersonLabels, ...]

    def read(self) -> Image:
        """Return the picture, (H, W, 3) RGB.

        Raises:
            CaptureError: the file is missing, truncated or damaged.
        """
        if not self.path.is_file():
            raise CaptureError(f"{self.path}: expected a picture, found nothing there")
        image = read_image(self.path)
        if image is None:
            raise CaptureError(f"{self.path}: expected a picture, got a truncated or damaged file")
        return image


@dataclass(frozen=True, eq=False)
class PictureDataset:
    """A data set of annotated pictures; none is decoded before it is asked for.

    Attributes:
        name: as in the registry: "mpii".
        annotations: the file with the labels.
        skeleton: the joints of its labels.
        pictures: in the file's order.

    Raises:
        DatasetError: it holds no picture, one twice, or labels of other joints.
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
            DatasetError: there is none.
        """
        found = [picture for picture in self.pictures if picture.name == name]
        if not found:
            raise DatasetError(f'{self.annotations}: expected picture "{name}", got {len(self.pictures)} others')
        return found[0]


def by_picture(labels: Sequence[tuple[str, PersonLabels]], folder: Path) -> tuple[AnnotatedPicture, ...]:
    """Return the pictures of (file name, person) pairs, people of one picture together, in order of first mention."""
    people: dict[str, list[PersonLabels]] = {}
    for name, person in labels:
        people.setdefault(name, []).append(person)
    return tuple(AnnotatedPicture(name, folder / name, tuple(of_name)) for name, of_name in people.items())


def image_folder(annotations: Path) -> Path:
    """Return where the pictures lie: in `images` beside the annotations, beside their folder, or with the file."""
    candidates = (annotations.parent / "images", annotations.parent.parent / "images")
    return next((folder for folder in candidates if folder.is_dir()), annotations.parent)
