from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.learning.loop.samples import MixedSource
from poseharvest.learning.loop.steps import samples_of_step, steps_per_epoch


class Counted:
    """Samples that are their own numbers, from `first` on."""

    skeleton = None

    def __init__(self, first: int, count: int) -> None:
        self.first, self.count = first, count

    def __len__(self) -> int:
        return self.count

    def sample(self, index: int) -> int:
        assert 0 <= index < self.count
        return self.first + index


@given(st.lists(st.integers(0, 6), min_size=1, max_size=5).filter(any))
def test_samples_are_those_of_the_parts_in_order(counts):
    firsts = [sum(counts[:n]) for n in range(len(counts))]
    mixed = MixedSource(tuple(Counted(first, count) for first, count in zip(firsts, counts, strict=True)))
    assert [mixed.sample(index) for index in range(len(mixed))] == list(range(sum(counts)))


def test_an_epoch_sees_every_sample_of_every_part_once(drawn):
    mixed = MixedSource((drawn(5), drawn(3)))
    steps = range(steps_per_epoch(len(mixed), 4))
    seen = [index for step in steps for index in samples_of_step(len(mixed), 4, seed=1, epoch=0, step=step)]
    assert sorted(set(seen)) == list(range(8))
    assert torch.equal(mixed.sample(6).picture, drawn(3).sample(1).picture)
