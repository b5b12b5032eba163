"""What a 2D pose detector is to the rest of the package: windows of pictures in, heatmaps out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from poseharvest.arrays import Image, ImageSize
from poseharvest.capture.frames import ViewPictures
from poseharvest.findings import Finding
from poseharvest.geometry.crop import Crop
from poseharvest.skeleton.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class CroppedView:
    """One window of one picture.

    Attributes:
        view: the camera's name.
        frame: index of the frame in the capture.
        crop: the window, in pixels of the picture.
        image: the whole picture, (H, W, 3) RGB uint8; None if the detector does not look at pictures.
        number: which of the view's own pictures it is, from 0, -1 for none; None where that is the frame's number.
    """

    view: str
    frame: int
    crop: Crop
    image: Image | None
    number: int | None = None

    @property
    def picture(self) -> int:
        """Which of the view's own pictures it is, from 0; -1 where it has none."""
        return self.frame if self.number is None else self.number


class HeatmapDetector(Protocol):
    """A generic 2D pose ConvNet, or whatever takes its place (Sec. 3.1)."""

    @property
    def name(self) -> str:
        """Name for reports and for `harvest.json`."""
        ...

    @property
    def skeleton(self) -> Skeleton:
        """Its joints in channel order."""
        ...

    @property
    def heatmap_size(self) -> ImageSize:
        """(height, width) of its heatmaps."""
        ...

    @property
    def needs_images(self) -> bool:
        """False for detectors that read keypoint files; pictures are then not decoded."""
        ...

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps (B, J, H, W) float32 of B windows, on the detector's device."""
        ...


@runtime_checkable
class DescribedDetector(Protocol):
    """A detector that can say what it is beyond its name."""

    @property
    def details(self) -> dict[str, Any]:
        """Plain data for `harvest.json`: whatever tells it from another detector of its name."""
        ...


def details_of(detector: HeatmapDetector) -> dict[str, Any]:
    """Return what a detector says of itself; nothing if it cannot."""
    return dict(detector.details) if isinstance(detector, DescribedDetector) else {}


@dataclass(frozen=True)
class FittedDetector:
    """A detector that has been compared with the footage.

    Attributes:
        detector: to be used on that footage.
        findings: what a person should know of the two together.
    """

    detector: HeatmapDetector
    findings: tuple[Finding, ...] = ()


@runtime_checkable
class FootageReader(Protocol):
    """A detector whose files were made from the footage, so that the two can be compared before anything is read."""

    def fitted_to(self, pictures: Sequence[ViewPictures]) -> FittedDetector:
        """Return the detector for these views.

        Raises:
            DetectorError: its files cannot be of this footage.
        """
        ...


def fit_to_footage(detector: HeatmapDetector, pictures: Sequence[ViewPictures]) -> FittedDetector:
    """Return the detector for these views; itself where it has nothing to compare."""
    return detector.fitted_to(pictures) if isinstance(detector, FootageReader) else FittedDetector(detector)


@runtime_checkable
class FileReader(Protocol):
    """A detector that reads what another one has written."""

    @property
    def fingerprint(self) -> dict[str, int | str]:
        """What tells its files from others, as plain data."""
        ...


@runtime_checkable
class KeypointSource(Protocol):
    """A detector that knows where people are before anybody says where to look."""

    def people(self, view: str, picture: int) -> list[Tensor]:
        """Return (J, 3) x, y, score of everybody in a picture, in its pixels; score 0 for a joint not found.

        Args:
            view: the camera's name.
            picture: which of the view's own pictures, from 0; -1 for none, which shows nobody.
        """
        ...

    def draw(self, people: Sequence[Tensor], crop: Crop) -> Tensor:
        """Return the heatmaps (J, H, W) float32 of some of these people alone, (J, 3) each, in a window."""
        ...


@runtime_checkable
class HandSource(Protocol):
    """A source of keypoints that may know the joints of people's hands as well."""

    @property
    def holds_hands(self) -> bool:
        """Whether it knows joints of hands at all."""
        ...

    def hands(self, view: str, picture: int) -> list[Tensor]:
        """Return (2, 21, 3) x, y, score of the left and the right hand of everybody in a picture.

        The joints are those of `HAND21`; the score is 0 for a joint that was not found.

        Args:
            view: the camera's name.
            picture: which of the view's own pictures, from 0; -1 for none, which shows nobody.
        """
        ...


@runtime_checkable
class HandNetwork(Protocol):
    """A detector that finds the joints of a person's hands in a window around the whole person."""

    @property
    def needs_images(self) -> bool:
        """Whether it looks at pictures."""
        ...

    @property
    def holds_hands(self) -> bool:
        """Whether it knows joints of hands at all."""
        ...

    def hands_in(self, views: Sequence[CroppedView]) -> list[Tensor]:
        """Return (2, 21, 3) x, y, score of the left and the right hand in each window, in pixels of its picture.

        The joints are those of `HAND21`; the score is 0 for a joint that was not found.
        """
        ...
