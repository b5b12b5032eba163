"""Pictures of an export are those of the harvested moments; where they are not, the last lines say so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.export.registry import export_with_findings
from walker_kit import ABSENT_FRAMES, ABSENT_VIEW, Recipe, paint, walker_rig, write_walk


class _Walk:
    """The painted walk, perhaps a few frames late."""

    name = "walk"
    frame_rate = 25.0
    rig = walker_rig()
    num_frames = 14

    def __init__(self, late: int) -> None:
        self._late = late

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        for frame in range(start, self.num_frames if stop is None else stop):
            gone = (ABSENT_VIEW,) if frame in ABSENT_FRAMES else ()
            images = [None if view in gone else paint(self.rig, view, frame - self._late) for view in range(4)]
            yield MultiViewFrame(frame, frame / 25, tuple(images))


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    return write_walk(tmp_path_factory.mktemp("walk") / "h", Recipe(num_frames=14, pictured=(0, 12)))


@pytest.mark.parametrize("late", [0, 1])
def test_pictures_of_another_moment_are_named(late: int, walk: Harvest, tmp_path: Path) -> None:
    written = export_with_findings(walk, "coco", tmp_path / "out", source=_Walk(late))
    messages = [f.message for f in written.findings if f.topic == "pictures"]
    assert len(messages) == late
    assert all('view "cam01", frame 0: the picture in the footage is not the one that was' in text for text in messages)
    assert len(list((written.path / "images").rglob("*.jpg"))) == 4 * 14 - 4
