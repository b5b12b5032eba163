"""Offsets between cameras from how much changes in their pictures, without knowing people: how near does that come?

    python benchmarks/picture_motion.py CAPTURE --calibration FILE --trials 25

The change of a picture from the one before is the mean absolute difference of small grey pictures, less what the median
pixel changes by. Its correlation between two views is greatest at their offset; the offsets of all views that fit all
pairs best are taken, between pictures by a parabola. Trials shift the views as `benchmarks/sync.py` does, and the
footage as it is counts as in step.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from poseharvest.capture.capture import Capture

MOST = 15
_SIZE, _NOISE = (160, 90), 4.0
_FEWEST = 20  # pictures that two views share

Floats = NDArray[np.float64]


def changes(capture: Capture) -> list[Floats]:
    """Return how much changes from picture to picture, (F - 1,) a view."""
    found: list[list[float]] = [[] for _ in capture.rig.names]
    before: list[Floats | None] = [None] * len(found)
    for frame in capture.frames():
        for view, image in enumerate(frame.images):
            grey = cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2GRAY)
            small = cv2.GaussianBlur(cv2.resize(grey, _SIZE, interpolation=cv2.INTER_AREA), (0, 0), 1).astype(float)
            if before[view] is not None:
                apart = np.abs(small - before[view])
                found[view].append(float(np.maximum(apart - np.median(apart) - _NOISE, 0).mean()))
            before[view] = small
    return [np.array(values) for values in found]


def offsets(series: Sequence[Floats], most: int) -> Floats:
    """Return (V,) by how many pictures each view is ahead of the first, by the correlations of all pairs."""
    rows, lags, weights = [], [], []
    for a, b in combinations(range(len(series)), 2):
        curve = np.array([_correlation(series[a], series[b], lag) for lag in range(-most, most + 1)])
        top = int(curve.argmax())
        weights.append(max(curve[top], 0.0))
        lags.append(top - most + _vertex(curve, top))
        rows.append(np.eye(len(series))[b] - np.eye(len(series))[a])
    matrix, wanted, factor = np.array(rows)[:, 1:], np.array(lags), np.array(weights)
    solved = np.zeros(len(series) - 1)
    for _ in range(10):  # pairs that do not agree count less
        root = np.sqrt(factor**2 / (1 + np.abs(matrix @ solved - wanted)))
        solved = np.linalg.lstsq(matrix * root[:, None], wanted * root, rcond=None)[0]
    return np.concatenate(([0.0], solved))


def _correlation(one: Floats, other: Floats, lag: int) -> float:
    a, b = one[max(lag, 0) :], other[max(-lag, 0) :]
    length = min(len(a), len(b))
    return float(np.corrcoef(a[:length], b[:length])[0, 1]) if length >= _FEWEST else -1.0


def _vertex(curve: Floats, top: int) -> float:
    if not 0 < top < len(curve) - 1:
        return 0.0
    low, middle, high = curve[top - 1 : top + 2]
    bend = low - 2 * middle + high
    return float(0.5 * (low - high) / bend) if bend < 0 else 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--trials", type=int, default=25)
    options = parser.parse_args()
    capture = Capture.open(options.capture, calibration=options.calibration)
    series = changes(capture)
    length, generator = min(map(len, series)) - 2 * MOST, np.random.default_rng(0)
    errors = []
    for _ in range(options.trials):
        shifts = generator.integers(-MOST, MOST + 1, len(series))
        cut = [values[MOST + shift : MOST + shift + length] for values, shift in zip(series, shifts, strict=True)]
        errors.append(np.abs(offsets(cut, min(2 * MOST, length - _FEWEST)) - (shifts - shifts[0]))[1:])
    distance = np.array(errors)
    print(f"{distance.size} offsets of {length} frames at {capture.frame_rate:g} Hz, by the change of the pictures")
    print(f"within half a frame {(distance <= 0.5).mean():.0%}, within one {(distance <= 1).mean():.0%}")
    medians = zip(capture.rig.names[1:], np.median(distance, 0), strict=True)
    print("median error, frames: " + ", ".join(f"{name} {median:.2f}" for name, median in medians))


if __name__ == "__main__":
    main()
