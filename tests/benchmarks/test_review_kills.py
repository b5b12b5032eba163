"""A review that is killed loses no decision that it confirmed: the small form of `benchmarks/review_kills.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from poseharvest.annotations.reviews import reviews_path
from study.killed_reviews import Outcome, ReviewBench

NUM_DECISIONS, NUM_KILLS = 20, 3

pytestmark = pytest.mark.slow


def test_no_confirmed_decision_is_lost_by_kills(tmp_path: Path) -> None:
    bench = ReviewBench.prepare(tmp_path, seed=4, num_frames=6)
    outcome = bench.run(NUM_DECISIONS, NUM_KILLS)
    assert (outcome.confirmed, outcome.kills, outcome.lost) == (NUM_DECISIONS, NUM_KILLS, 0)
    assert outcome.unconfirmed <= outcome.unanswered
    reviews = bench.harvest.with_reviews().reviews
    assert reviews is not None
    assert sum(map(len, reviews.history.values())) == NUM_DECISIONS + outcome.unconfirmed
    lines = reviews_path(bench.harvest.path).read_text().splitlines(keepends=True)
    reviews_path(bench.harvest.path).write_text("".join(lines[:-2]))
    assert bench._compared(Outcome()).lost > 0  # the count notices what is missing
