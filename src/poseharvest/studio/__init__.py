"""The studio: rendered captures and pictures of people with known truth and real difficulty.

No package that infers poses may import it. Start with `shoot`; `picture` draws single pictures to train on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.studio.actions import ACTIONS
    from poseharvest.studio.bvh import read_bvh
    from poseharvest.studio.bvh_people import bvh_performance, read_bvh_names
    from poseharvest.studio.files import write_capture, write_truth
    from poseharvest.studio.picture import StudioPicture, empty_room, sample, studio_pictures
    from poseharvest.studio.shoot import CaptureOptions, Shoot, StudioCapture, studio_capture
    from poseharvest.studio.worlds import GENERIC, TARGET, World
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = [
    "ACTIONS",
    "GENERIC",
    "TARGET",
    "CaptureOptions",
    "Shoot",
    "StudioCapture",
    "StudioPicture",
    "World",
    "bvh_performance",
    "empty_room",
    "read_bvh",
    "read_bvh_names",
    "sample",
    "studio_capture",
    "studio_pictures",
    "write_capture",
    "write_truth",
]
