"""The interface of the footage of one view: a video or a folder of pictures."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from poseharvest.arrays import Image, ImageSize


class Footage(Protocol):
    """The pictures of one view, each with its time."""

    @property
    def name(self) -> str:
        """The view's name."""
        ...

    @property
    def path(self) -> Path:
        """The video or the folder of pictures."""
        ...

    @property
    def image_size(self) -> ImageSize:
        """(height, width) of the upright pictures of `read`."""
        ...

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(N,) increasing time stamps of all pictures, seconds on the clock of the footage."""
        ...

    @property
    def frame_rate(self) -> float:
        """Pictures per second where none is missing."""
        ...

    @property
    def damage(self) -> str | None:
        """Description of the damage found when the file was opened; None if there is none."""
        ...

    def read(self, numbers: NDArray[np.int32]) -> Generator[Image | None, None, None]:
        """Yield the pictures of `numbers`, one each and in order.

        Args:
            numbers: (M,) indices into `times_s`, not decreasing. An index may repeat; -1 gives None.

        Raises:
            CaptureError: a picture cannot be decoded, and the footage was opened with `on_damage` = "error".
        """
        ...
