"""The player's pictures are those that the harvest keeps, small, and never more than fit."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.report import small_pictures
from poseharvest.report.small_pictures import SmallPictures
from walker_kit import ABSENT_VIEW, IMAGE_SIZE


def pictures(harvest: Harvest) -> SmallPictures:
    return small_pictures.small_pictures(harvest, harvest.view_names)


def test_they_show_what_the_kept_ones_show(harvest: Harvest) -> None:
    found = pictures(harvest)
    assert found.frames == (0, 12, 24)
    assert [uri is None for uri in found.uris[1]] == [view == ABSENT_VIEW for view in range(4)]
    uri = found.uris[0][1]
    assert uri is not None
    small = cv2.imdecode(np.frombuffer(base64.b64decode(uri.split(",")[1]), np.uint8), cv2.IMREAD_COLOR)
    assert small.shape[:2] == (300, 400)
    whole = cv2.imread(str(harvest.preview(0, "cam02")))
    again = cv2.resize(whole, (400, 300), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(float) - again).mean() < 4
    assert IMAGE_SIZE == (360, 480)


def test_too_many_are_thinned_evenly(harvest: Harvest, monkeypatch: pytest.MonkeyPatch) -> None:
    size = sum(len(uri or "") for row in pictures(harvest).uris for uri in row)
    monkeypatch.setattr(small_pictures, "MOVING_BYTES", size - 1)
    assert (pictures(harvest).frames, pictures(harvest).num_left_out) == ((0, 24), 1)
