from __future__ import annotations

import pytest
import torch

from poseharvest.threads import one_thread_an_operation, side_by_side


@pytest.fixture(autouse=True)
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_operations_get_one_thread_and_work_keeps_all():
    assert side_by_side() == 3
    with one_thread_an_operation():
        assert (torch.get_num_threads(), side_by_side()) == (1, 3)
        with one_thread_an_operation():
            assert (torch.get_num_threads(), side_by_side()) == (1, 3)
        assert (torch.get_num_threads(), side_by_side()) == (1, 3)
    assert (torch.get_num_threads(), side_by_side()) == (3, 3)


def test_all_is_as_before_after_an_error():
    with pytest.raises(ValueError, match="broken"), one_thread_an_operation():
        raise ValueError("broken")
    assert (torch.get_num_threads(), side_by_side()) == (3, 3)
