"""Which backend serves which device, and what a user is told of it."""

from __future__ import annotations

import logging

import pytest
import torch

from poseharvest.pictorial.backends.backend import backend_for
from poseharvest.pictorial.backends.compiled_backend import CompiledBackend
from poseharvest.pictorial.backends.tensor_backend import TensorBackend


@pytest.fixture(autouse=True)
def first_models():
    backend_for.cache_clear()
    yield
    backend_for.cache_clear()


def test_a_processor_gets_the_loops_and_no_warning(caplog):
    with caplog.at_level(logging.WARNING):
        assert isinstance(backend_for(torch.device("cpu")), CompiledBackend)
    assert caplog.messages == []


def test_a_gpu_gets_tensors_and_one_warning_that_this_is_untested(caplog):
    with caplog.at_level(logging.WARNING):
        first, second = backend_for(torch.device("cuda")), backend_for(torch.device("cuda"))
    assert isinstance(first, TensorBackend)
    assert second is first
    (message,) = caplog.messages
    assert message.startswith('device "cuda": 3D inference on a GPU is untested')
