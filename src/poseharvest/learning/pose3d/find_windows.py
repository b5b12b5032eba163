"""Windows around the person, found by a 2D network in the pictures themselves.

In pictures that follow each other the person is followed. In unrelated pictures the search starts again with every
picture.
"""

from __future__ import annotations

from collections.abc import Iterator

from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.geometry.crop import Crop
from poseharvest.learning.pose3d.input_pictures import Picture, PictureInput
from poseharvest.localization.boxes import Boxes
from poseharvest.localization.follow.one_view import OneViewTracker
from poseharvest.progress import OnProgress, Progress


def view_of(pictures: PictureInput) -> str:
    """Return the name of the view: that of the video or the folder, without its ending."""
    return pictures.path.resolve().stem


def find_windows(pictures: PictureInput, detector: HeatmapDetector) -> Iterator[tuple[Picture, Crop | None]]:
    """Give every picture with the window around the most visible person, or None where nobody is seen.

    Args:
        pictures: `open_pictures(path)`.
        detector: `load_detector(name)`.
    """
    tracker = OneViewTracker(detector, view_of(pictures))
    for picture in pictures:
        if not pictures.is_sequence:
            tracker = OneViewTracker(detector, view_of(pictures))
        yield picture, tracker.observe(picture.frame, picture.image)


def find_boxes(pictures: PictureInput, detector: HeatmapDetector, *, on_progress: OnProgress | None = None) -> Boxes:
    """Return a box around the most visible person for every picture that shows one.

    Args:
        pictures: `open_pictures(path)`; in a video, or a folder opened as a sequence, the person is followed.
        detector: `load_detector(name)`, best the one that harvested: the windows are then those of the harvest.
        on_progress: called after every picture.

    Raises:
        CaptureError: a picture cannot be read.
    """
    view, crops = view_of(pictures), {}
    for index, (picture, crop) in enumerate(find_windows(pictures, detector)):
        if crop is not None:
            crops[picture.frame, view] = crop
        if on_progress is not None:
            on_progress(Progress(index + 1, len(pictures), "looking for the person"))
    return Boxes(crops)
