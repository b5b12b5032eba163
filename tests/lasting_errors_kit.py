"""Errors that are new in each frame, that last for some frames, or that stay."""

from __future__ import annotations

import numpy as np
from scipy.linalg import expm


def lasting_noise(shape: tuple[int, ...], rate: float, step_s: float, rng: np.random.Generator) -> np.ndarray:
    """A process (T, ...) of variance 1 with the autocorrelation (1 + r t) exp(-r t), from its differential equation."""
    stationary = np.diag([1.0, rate**2])
    step = expm(np.array([[0, 1], [-(rate**2), -2 * rate]]) * step_s)
    root = np.linalg.cholesky(stationary - step @ stationary @ step.T)
    state = np.sqrt(stationary) @ rng.normal(size=(2, int(np.prod(shape[1:]))))
    values = np.empty((shape[0], state.shape[1]))
    for k in range(shape[0]):
        values[k] = state[0]
        state = step @ state + root @ rng.normal(size=state.shape)
    return values.reshape(shape)


def mixed_errors(
    shape: tuple[int, ...], shares: tuple[float, float], rate: float, step_s: float, seed: int
) -> np.ndarray:
    """Errors (T, ...) of variance 1, of which the first share stays, and the second share of the rest lasts."""
    rng, (constant, lasting) = np.random.default_rng(seed), shares
    white, still = rng.normal(size=shape), rng.normal(size=(1, *shape[1:]))
    changing = np.sqrt(lasting) * lasting_noise(shape, rate, step_s, rng) + np.sqrt(1 - lasting) * white
    return np.asarray(np.sqrt(constant) * still + np.sqrt(1 - constant) * changing)
