"""What the footage of one view offers, whether it is a video or a folder of pictures."""

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
        """(height, width) of the pictures as `read` gives them, upright."""
        ...

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(N,) rising time stamps of all pictures, seconds on the footage's own clock."""
        ...

    @property
    def frame_rate(self) -> float:
        """Pictures per second while none is missing."""
        ...

    @property
    def damage(self) -> str | None:
        """What was found wrong with the file when it was opened; None where nothing was."""
        ...

    def read(self, numbers: NDArray[np.int32]) -> Generator[Image | None, None, None]:
        """Give the pictures of these `numbers`, one each and in order.

        Args:
            numbers: (M,) indices into `times_s`, never falling; the same one may repeat; -1 gives None.

        Raises:
            CaptureError: a picture cannot be decoded and the footage was opened with "error" on damage.
        """
        ...
