import json
import sys

import pytest

from torchrun_kit import by_two


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")
def test_no_message_is_left_with_a_thread_when_a_training_ends(tmp_path):
    """A message that a thread still held while the interpreter ended has aborted processes that had finished."""
    by_two("messages", tmp_path, tmp_path / "threads")
    for rank in "01":
        running, left = json.loads((tmp_path / f"threads-{rank}").read_text())
        assert 0 < left <= running / 2  # those of the default group; the messages' own are joined
