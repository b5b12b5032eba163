"""Any damage to a file that others wrote is read or named: a dozen inputs of every quick reader, four of a slow one.

`benchmarks/fuzz.py` feeds the same readers with thousands, each in a process with limits.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseharvest.errors import HarvestError
from study.fuzz_readers import READERS
from study.mutations import KINDS, mutate

SLOW = (
    "capture-pictures",
    "harvest-parquet",
    "weights-keras",
    "weights-torch",
    "weights-safetensors",
    "h36m-cdf",
    "video",
    "vitpose-folder",
    "pose-model",
)
QUICK = [name for name in READERS if name not in SLOW]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(one, marks=pytest.mark.slow) for one in SLOW)])
def test_damage_is_read_or_named(tmp_path_factory, name):
    for module, readers in {"onnx": "onnx", "transformers": "vitpose", "cdflib": "h36m-cdf"}.items():
        if name.startswith(readers):
            pytest.importorskip(module)
    reader, folder = READERS[name], tmp_path_factory.mktemp(name)
    files = reader.make(folder)
    originals = {file: file.read_bytes() for file in files}
    for file in files:
        reader.read(folder, file)

    @settings(max_examples=4 if name in SLOW else 12, deadline=None)
    @given(st.integers(0, 2**40))
    def check(seed):
        file = files[seed % len(files)]
        file.write_bytes(mutate(originals[file], reader.kind_of(file), Random(seed)))
        try:
            reader.read(folder, file)
        except HarvestError as error:
            assert "\n" not in str(error)  # noqa: PT017
        finally:
            file.write_bytes(originals[file])

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_damage_and_most_seeds_give_some(kind):
    sample = b'{"a": [1, 2, {"b": "text"}], "c": 1.5}\nx = 1\n' * 3
    first = [mutate(sample, kind, Random(seed)) for seed in range(40)]
    assert first == [mutate(sample, kind, Random(seed)) for seed in range(40)]
    assert sum(one != sample for one in first) > 30
    assert len(set(first)) > 30
