import os
import shutil
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch

from drawn_kit import draw
from poseharvest.errors import StoreError, TrainingError
from poseharvest.learning.heatmaps2d.rendered_source import RenderedSource
from poseharvest.learning.heatmaps2d.stored_samples import store_samples
from poseharvest.skeleton.definitions import MPII16


@dataclass
class Counted:
    """A source that remembers what it was asked for."""

    source: RenderedSource
    asked: list = field(default_factory=list)
    head_px: float = float("nan")

    @property
    def skeleton(self):
        return self.source.skeleton

    def __len__(self):
        return len(self.source)

    def sample(self, index):
        self.asked.append(index)
        return replace(self.source.sample(index), head_px=self.head_px)


def source(count=5, drawn=draw):
    return RenderedSource(MPII16, count, drawn, window_px=24.0)


def assert_same(found, expected):
    assert torch.equal(found.picture, expected.picture)
    assert torch.equal(found.joints, expected.joints.double())
    assert torch.equal(found.weight, expected.weight)
    assert found.window == expected.window
    assert found.head_px == expected.head_px or np.isnan([found.head_px, expected.head_px]).all()


@pytest.mark.parametrize("head_px", [7.5, float("nan")])
def test_samples_come_back_as_they_were(tmp_path, head_px):
    counted, seen = Counted(source(), head_px=head_px), []
    stored = store_samples(counted, tmp_path / "s", description={}, on_drawn=lambda *numbers: seen.append(numbers))
    assert (len(stored), stored.skeleton) == (5, MPII16)
    assert seen == [(k, 5) for k in range(1, 6)]
    for index in (4, 0, 2):
        assert_same(stored.sample(index), counted.sample(index))


def test_several_processes_draw_the_same(tmp_path):
    stored = store_samples(source(33), tmp_path / "s", description={}, workers=2)
    for index in (0, 15, 16, 32):
        assert_same(stored.sample(index), source(33).sample(index))


def test_what_was_drawn_is_drawn_again_only_if_something_else_is_asked_for(tmp_path):
    settings = {"seed": 1, "size": (4, 4)}
    store_samples(source(), tmp_path / "s", description=settings)
    again = Counted(source())
    assert_same(store_samples(again, tmp_path / "s", description=settings).sample(1), source().sample(1))
    assert again.asked == []
    for other, count in (({**settings, "seed": 2}, 5), (settings, 3)):
        drawn = Counted(source(count))
        assert len(store_samples(drawn, tmp_path / "s", description=other)) == count
        assert set(drawn.asked) == set(range(count))


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "thesis.txt").write_text("precious")
    with pytest.raises(StoreError, match="s"):
        store_samples(source(), tmp_path / "s", description={})
    assert (tmp_path / "s" / "thesis.txt").read_text() == "precious"


def test_an_error_while_drawing_leaves_nothing(tmp_path):
    def uneven(number):
        picture = draw(number)
        return replace(picture, image=picture.image[: 30 - number])

    with pytest.raises(TrainingError, match=r"expected pictures of \(30, 50, 3\), got \(29, 50, 3\) as number 1"):
        store_samples(source(drawn=uneven), tmp_path / "s", description={})
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_noticed_before_anything_is_drawn(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(StoreError, match=r"expected 2.25e-05 GB free for the pictures, got 1e-06"):
        store_samples(source(), tmp_path / "s", description={})
    assert not list(tmp_path.iterdir())


def end(number):
    """Draw number 0, and end the process at any other."""
    return draw(number) if number == 0 else os._exit(1)


def test_a_process_that_is_ended_is_named(tmp_path):
    with pytest.raises(TrainingError, match=r"one of 2 processes that draw was ended: try fewer"):
        store_samples(source(drawn=end), tmp_path / "s", description={}, workers=2)
    assert not list(tmp_path.iterdir())


def test_pictures_of_floats_are_refused(drawn, tmp_path):
    with pytest.raises(TrainingError, match=r"expected pictures of uint8, got torch.float32"):
        store_samples(drawn(2), tmp_path / "s", description={})
