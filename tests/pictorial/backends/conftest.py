"""Every backend: each law in this folder is written once and holds for all of them."""

from __future__ import annotations

import pytest

from poseharvest.pictorial.backends.backend import Backend
from poseharvest.pictorial.backends.compiled_backend import CompiledBackend
from poseharvest.pictorial.backends.tensor_backend import TensorBackend


@pytest.fixture(
    scope="session",
    params=[
        CompiledBackend(),
        CompiledBackend(most_pairs=0),
        TensorBackend(),
        TensorBackend(points_at_once=100, pairs_a_tile=64),
    ],
    ids=["compiled", "compiled by columns", "tensors", "tensors in small pieces"],
)
def backend(request: pytest.FixtureRequest) -> Backend:
    return request.param
