"""Measures read from a harvest equal the same numbers from its records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from harvest_kit import make_records, write_harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.selection.measures import MEASURES


def _from_record(name: str, record: FrameAnnotations) -> NDArray[np.float64]:
    """The slow reference: one joint at a time."""
    values = []
    for joint in range(len(record.mean)):
        views = torch.nonzero(record.inside[:, joint]).flatten().tolist()
        distances = [float((record.peak_pixels[v, joint] - record.pixels[v, joint]).norm()) for v in views]
        gaussian = torch.distributions.MultivariateNormal(record.mean[joint], record.cov[joint])
        values.append(
            {
                "det": lambda j=joint: float(torch.linalg.det(record.cov[j])),
                "trace": lambda j=joint: float(record.cov[j].trace()),
                "entropy": lambda g=gaussian: float(g.entropy()),
                "peak_distance": lambda d=distances: np.mean(d) if d else np.nan,
                "peak_score": lambda j=joint, v=views: np.mean(record.peak_score[v, j].numpy()) if v else np.nan,
                "score": lambda j=joint, v=views: np.mean(record.score[v, j].numpy()) if v else np.nan,
            }[name]()
        )
    return np.array(values)


@pytest.mark.parametrize("name", MEASURES)
def test_measure_equals_the_slow_way(tmp_path: Path, name: str) -> None:
    records = make_records(range(6))
    records[0].inside[:, 4] = False
    harvest = write_harvest(tmp_path / "h", records)
    tables = harvest.columns(MEASURES[name].columns)
    values = np.concatenate([MEASURES[name].values(table, 3) for table in tables]).reshape(6, 16)
    np.testing.assert_allclose(values, [_from_record(name, record) for record in records], rtol=1e-9)
    assert np.isnan(values[0, 4]) == ("views" in MEASURES[name].columns)
