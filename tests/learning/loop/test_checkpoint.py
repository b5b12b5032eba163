"""Files of a training: the same tensors make the same bytes, and safetensors' own reader reads them."""

from __future__ import annotations

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from poseharvest.learning.loop.checkpoint import write_tensors

METADATA = {"format": "pt", "detector": "hourglass", "preprocessing": '{"std": [1.0]}', "joints": "Knöchel"}


@pytest.fixture
def tensors(generator):
    return {
        "a.weight": torch.rand((3, 5), generator=generator),
        "a.count": torch.tensor(7),
        "b": torch.rand((2, 3, 4), generator=generator, dtype=torch.float64).transpose(0, 2),
        "empty": torch.zeros((0, 3)),
    }


def test_the_same_tensors_make_the_same_bytes(tensors, tmp_path):
    """The library orders the metadata by chance, a new one every time."""
    for number in range(12):
        write_tensors(tensors, tmp_path / f"{number}.safetensors", METADATA)
    assert len({(tmp_path / f"{number}.safetensors").read_bytes() for number in range(12)}) == 1


@pytest.mark.parametrize("metadata", [METADATA, {}, None])
def test_the_library_reads_what_was_written(tensors, metadata, tmp_path):
    path = tmp_path / "x.safetensors"
    write_tensors(tensors, path, metadata)
    read = load_file(path)
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[name], tensor) for name, tensor in tensors.items())
    with safe_open(path, "pt") as file:
        assert (file.metadata() or {}) == (metadata or {})
