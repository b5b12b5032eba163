"""How long errors last: what is planted is found, and what must not count does not."""

from __future__ import annotations

import numpy as np
import pytest

from lasting_errors_kit import mixed_errors
from poseharvest.errors import ConfigError
from poseharvest.motion.error_times import ErrorTimes, autocorrelation, learn_error_times

STEP_S = 1 / 50


def planted(constant: float, lasting: float, rate: float, seed: int = 1, frames: int = 600) -> np.ndarray:
    """(T, 6, 40) residuals; the joints' errors differ in size."""
    sizes = np.array([1.0, 2.0, 3.0, 0.5, 8.0, 1.0])[:, None]
    return mixed_errors((frames, 6, 40), (constant, lasting), rate, STEP_S, seed) * sizes


@pytest.mark.parametrize(("constant", "lasting", "rate"), [(0.0, 0.9, 36.0), (0.5, 0.7, 30.0), (0.3, 0.4, 45.0)])
def test_planted_shares_and_rates_are_found(constant, lasting, rate):
    found = learn_error_times([planted(constant, lasting, rate)], STEP_S)
    assert found.constant_share == pytest.approx(constant, abs=0.06)
    assert found.lasting_share == pytest.approx(lasting, abs=0.08)
    assert found.rate == pytest.approx(rate, rel=0.2)
    assert found.half_after_s == pytest.approx(1.678 / found.rate)


def test_errors_that_are_new_in_each_frame_do_not_last():
    found = learn_error_times([planted(0.0, 0.0, 30.0)], STEP_S)
    assert found.lasting_share == found.rate == found.half_after_s == 0
    assert found.constant_share < 0.02
    assert learn_error_times([planted(0.6, 0.0, 30.0)], STEP_S).constant_share == pytest.approx(0.6, abs=0.06)


def test_what_changes_as_slowly_as_a_person_stays():
    found = learn_error_times([planted(0.0, 0.95, 2.0)], STEP_S)
    assert found.constant_share > 0.8


def test_the_unit_gross_errors_and_the_cut_into_stretches_do_not_matter():
    residuals = planted(0.3, 0.7, 35.0)
    one = learn_error_times([residuals], STEP_S)
    assert learn_error_times([residuals * 1024], STEP_S) == one
    gross = residuals.copy()
    gross[np.random.default_rng(2).random(gross.shape) < 0.02] += 500
    halves = [residuals[:300], residuals[300:]]
    for other in (learn_error_times([gross], STEP_S), learn_error_times(halves, STEP_S)):
        assert other.constant_share == pytest.approx(one.constant_share, abs=0.04)
        assert other.lasting_share == pytest.approx(one.lasting_share, abs=0.05)
        assert other.rate == pytest.approx(one.rate, rel=0.15)


def test_the_autocorrelation_is_that_of_all_pairs():
    residuals = np.random.default_rng(3).normal(size=(400, 1, 2)).cumsum(0)[::4] % 3 - 1.5
    residuals[17] = np.nan
    usual = residuals / (1.4826 * np.nanmedian(np.abs(residuals)))
    pairs = [usual[i + 2, 0, c] * usual[i, 0, c] for i in range(98) for c in range(2)]
    few = autocorrelation([np.repeat(residuals, 2, axis=2)], 2)  # every pair twice: enough of them
    assert few[1] == pytest.approx(np.nanmean(pairs) / np.nanmean(usual**2))


def test_with_too_few_residuals_nothing_is_said():
    assert learn_error_times([planted(0.5, 0.9, 30.0, frames=4)[:, :1, :20]], STEP_S) == ErrorTimes()
    assert learn_error_times([np.full((50, 3, 8), np.nan)], STEP_S) == ErrorTimes()
    assert learn_error_times([np.zeros((50, 3, 8))], STEP_S) == ErrorTimes()


def test_at_few_frames_a_second_lasting_errors_cannot_be_told_from_new_ones():
    found = learn_error_times([planted(0.5, 0.9, 30.0)[::8]], 8 * STEP_S)
    assert found.lasting_share == 0
    assert found.constant_share == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((1.0, 0.0, 0.0), "expected shares from 0 to less than 1, got 1.0, 0.0"),
        ((0.0, -0.1, 0.0), "expected shares from 0 to less than 1"),
        ((0.0, 0.5, 0.0), "expected a rate above 0 exactly where errors last, got 0.0 1/s for a share of 0.5"),
        ((0.0, 0.0, 9.0), "expected a rate above 0 exactly where errors last"),
        ((0.0, 0.5, float("nan")), "expected a rate above 0"),
    ],
)
def test_wrong_values_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        ErrorTimes(*values)
