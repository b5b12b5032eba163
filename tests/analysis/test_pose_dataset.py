"""The data set of PyTorch gives every record once, and a loader makes batches of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from export_kit import STRANGE
from poseharvest import Harvest


@pytest.mark.parametrize("strange", STRANGE)
def test_a_sample_is_a_record(strange: str, tmp_path: Path) -> None:
    harvest = Harvest.open(STRANGE[strange](tmp_path / "h").path)
    dataset = harvest.as_dataset()
    rows = list(harvest.iter_selected())
    assert len(dataset) == len(rows) == harvest.info.counts.records
    for sample, row in zip((dataset[i] for i in range(len(dataset))), rows, strict=True):
        record = row.annotations
        assert (int(sample.frame), int(sample.person)) == (record.frame, record.person)
        torch.testing.assert_close(sample.positions, record.mean.float())
        torch.testing.assert_close(sample.covariances, row.calibrated_cov.float())
        assert torch.equal(sample.selected, row.selected)
        assert torch.equal(sample.inside, record.inside)
        torch.testing.assert_close(sample.pixels[record.inside], record.pixels[record.inside].float())
        assert (sample.pixels[~record.inside] == 0).all()


def test_a_loader_makes_batches(tmp_path: Path) -> None:
    dataset = Harvest.open(STRANGE["three people"](tmp_path / "h").path).as_dataset()
    loader = DataLoader(dataset, batch_size=8, shuffle=True, generator=torch.Generator().manual_seed(0))
    batches = list(loader)
    assert [len(batch.frame) for batch in batches] == [8, 8, 8, 8, 4]
    assert batches[0].pixels.shape == (8, 4, 16, 2)
    seen = sorted((int(f), int(p)) for batch in batches for f, p in zip(batch.frame, batch.person, strict=True))
    assert seen == [(frame, person) for frame in range(12) for person in range(3)]
