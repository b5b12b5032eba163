"""Doubts joined: ranks by hand, and logistic regression against scipy's general minimiser."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import spearmanr

from poseharvest.errors import ConfigError, FormatError, HarvestError
from study.combination import ErrorModel, ErrorModelOptions, fit_error_model, rank_average

NAN = np.nan


def footage(seed: int, num: int = 3000) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Errors of which two doubts know a part each, and a third nothing."""
    rng = np.random.default_rng(seed)
    one, two, three = rng.normal(size=(3, num))
    errors = np.exp(3 + 0.8 * one + 0.8 * two + 0.3 * rng.normal(size=num))
    return {"one": np.exp(2 * one), "two": np.exp(0.5 * two), "three": np.exp(three)}, errors


def test_ranks_by_hand():
    doubts = [np.array([10.0, 30, 20, NAN]), np.array([1.0, 2, NAN, NAN])]
    np.testing.assert_allclose(rank_average(doubts), [(1 / 6 + 1 / 4) / 2, (5 / 6 + 3 / 4) / 2, 0.5, NAN])


def test_the_model_beats_its_parts_on_other_footage():
    model = fit_error_model(*footage(0))
    doubts, errors = footage(1)
    joined = spearmanr(model.probability(doubts), errors).statistic
    assert joined > 0.9
    assert joined > max(spearmanr(doubt, errors).statistic for doubt in doubts.values()) + 0.1
    assert spearmanr(rank_average([doubts["one"], doubts["two"]]), errors).statistic > 0.85
    assert abs(model.weights[2]) < 0.2 * model.weights[0]


def test_probabilities_are_honest():
    model = fit_error_model(*footage(0))
    doubts, errors = footage(1)
    probability = model.probability(doubts)
    for low, high in ((0, 0.2), (0.4, 0.6), (0.8, 1)):
        part = (probability >= low) & (probability <= high)
        assert (errors[part] > 50).mean() == pytest.approx(probability[part].mean(), abs=0.07)


def test_the_minimum_is_that_of_a_general_minimiser():
    doubts, errors = footage(2, num=300)
    options = ErrorModelOptions(threshold_mm=30, ridge=0.01)
    model = fit_error_model(doubts, errors, options)
    inputs = np.stack([(np.log(d) - np.log(d).mean()) / np.log(d).std() for d in doubts.values()], 1)
    wrong = errors > 30

    def loss(weights: np.ndarray) -> float:
        logit = inputs @ weights[:3] + weights[3]
        return np.logaddexp(0, np.where(wrong, -logit, logit)).sum() + 0.5 * 0.01 * 300 * (weights[:3] ** 2).sum()

    found = minimize(loss, np.zeros(4), tol=1e-10).x
    np.testing.assert_allclose([*model.weights, model.bias], found, atol=1e-3)


def test_an_input_that_is_not_known_counts_as_average():
    model = fit_error_model(*footage(0))
    doubts, _ = footage(1, num=2)
    doubts["one"][0] = NAN
    average = {name: values.copy() for name, values in doubts.items()}
    average["one"][0] = np.exp(model.centers[0])
    np.testing.assert_allclose(model.probability(doubts), model.probability(average))


def test_written_and_read_it_is_the_same(tmp_path):
    model = fit_error_model(*footage(0))
    model.write(tmp_path / "m.json")
    assert ErrorModel.read(tmp_path / "m.json") == model
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(FormatError, match=r"bad.json: is no error model: Field required"):
        ErrorModel.read(tmp_path / "bad.json")
    with pytest.raises(FormatError, match=r"none.json: error model cannot be read"):
        ErrorModel.read(tmp_path / "none.json")


def test_nonsense_is_refused():
    doubts, errors = footage(0, num=20)
    with pytest.raises(HarvestError, match=r"expected errors on both sides of 50 mm, got 0 of 20 above it"):
        fit_error_model(doubts, np.zeros_like(errors))
    model = fit_error_model(*footage(0))
    with pytest.raises(ConfigError, match="expected the doubts one, two, three, missing three"):
        model.probability({"one": doubts["one"], "two": doubts["two"]})
