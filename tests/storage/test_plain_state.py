"""What is stored of a run comes back exactly, and nothing else can come back."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.errors import StoreError
from poseharvest.storage.plain_state import from_plain, to_plain


@dataclass(frozen=True)
class Pair:
    first: Any
    second: Any


def through_json(value: Any) -> Any:
    return from_plain(json.loads(json.dumps(to_plain(value))), [Pair])


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
keys = st.integers() | st.text()
values = st.recursive(
    plain | st.frozensets(st.integers()) | st.sets(st.integers()),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(keys, inner)
        | st.tuples(inner, inner).map(lambda two: Pair(*two))
    ),
    max_leaves=12,
)


@given(values)
def test_every_value_comes_back(value: Any) -> None:
    again = through_json(value)
    assert again == value
    assert type(again) is type(value)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int64, torch.bool])
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3, 4)])
def test_tensors_come_back_to_the_last_bit(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = (torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 3).to(dtype)
    again = through_json(Pair(tensor, tensor.mT if tensor.dim() > 1 else tensor))
    assert again.first.dtype == dtype
    assert torch.equal(again.first, tensor)
    assert torch.equal(again.second, tensor.mT if tensor.dim() > 1 else tensor)


def test_numbers_that_are_none_come_back() -> None:
    one = through_json((math.inf, -math.inf, torch.tensor([math.nan, -0.0])))
    assert one[:2] == (math.inf, -math.inf)
    assert one[2].isnan().tolist() == [True, False]
    assert math.copysign(1, float(one[2][1])) == -1


@pytest.mark.parametrize(
    "damaged",
    [
        {"object": "Path", "fields": {}},
        {"object": "Pair", "fields": {"first": 1}},
        {"tensor": {"dtype": "|O", "shape": [1], "base64": "AAAAAAAAAAA="}},
        {"tensor": {"dtype": "<f8", "shape": [2], "base64": "AAAAAAAAAAA="}},
        {"tensor": 3},
        {"unknown": []},
        {"list": 3},
        {},
        [1],
    ],
)
def test_anything_else_is_refused(damaged: Any) -> None:
    with pytest.raises(StoreError, match="the stored state is damaged"):
        from_plain(damaged, [Pair])


def test_what_has_no_plain_form_is_refused() -> None:
    with pytest.raises(TypeError, match="a value of type object has no plain form"):
        to_plain([object()])
    assert [field.name for field in fields(Pair)] == ["first", "second"]
