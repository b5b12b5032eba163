"""Figures of a harvest through matplotlib: joints over time with their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations import dense_arrays as dense
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BAND_SIGMAS = 2
_WIDTH_IN, _HEIGHT_IN = 9.0, 7.0
_MOST_IN_LEGEND = 20


def plot_joints(harvest: Harvest, joints: Sequence[str], *, person: int | None = None, smooth: bool = True) -> Figure:
    """Return a figure with x, y and z of some joints over time, and bands of two sigmas.

    Gaps in the track are gaps in the lines.

    Args:
        harvest: the harvest.
        joints: their names; all if empty.
        person: whom to draw; None is the only one.
        smooth: draw the smooth positions, where the harvest has them; otherwise those of each frame alone.

    Raises:
        ConfigError: matplotlib is not installed, there is no such joint or person, or nobody is in the harvest.
    """
    names = tuple(joints) or harvest.skeleton.joints
    for name in names:
        if name not in harvest.skeleton.joints:
            raise ConfigError(f'joints: expected some of {", ".join(harvest.skeleton.joints)}, got "{name}"')
    axes = dense.frames_and_people(harvest).evenly_spaced()
    place = _place_of(person, axes.people.tolist())
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("plot: needs matplotlib: pip install 'poseharvest[plot]'") from error
    is_smooth = smooth and harvest.info.motion is not None
    if is_smooth:
        positions, sigmas = dense.dense_smooth_positions(harvest, axes)
    else:
        positions, sigmas = dense.dense_positions(harvest, axes), dense.dense_sigmas(harvest, axes)
    figure = Figure(figsize=(_WIDTH_IN, _HEIGHT_IN), layout="constrained")
    _draw(
        figure,
        names,
        axes.times_s,
        positions[:, place, [harvest.skeleton.index(name) for name in names]],
        sigmas[:, place, [harvest.skeleton.index(name) for name in names]],
    )
    kind = "smoothed over time" if is_smooth else "each frame alone"
    figure.suptitle(f"{harvest.info.capture.name}, person {axes.people[place]}: {kind}, bands of {_BAND_SIGMAS} sigma")
    return figure


def _draw(
    figure: Figure,
    names: Sequence[str],
    times_s: NDArray[np.float64],
    positions: NDArray[np.float64],
    sigmas: NDArray[np.float64],
) -> None:
    """Draw (F, J, 3) positions with (F, J) sigmas, a panel per axis of the world."""
    panels = figure.subplots(3, 1, sharex=True)
    for panel, axis, values in zip(panels, "xyz", np.moveaxis(positions, -1, 0), strict=True):
        for number, name in enumerate(names):
            value, band = values[:, number], _BAND_SIGMAS * sigmas[:, number]
            (line,) = panel.plot(times_s, value, label=name, linewidth=1, marker="." if len(times_s) < 3 else "")
            panel.fill_between(times_s, value - band, value + band, color=line.get_color(), alpha=0.2, linewidth=0)
        panel.set_ylabel(f"{axis} (mm)")
    panels[-1].set_xlabel("time (s)")
    if len(names) <= _MOST_IN_LEGEND:
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", fontsize="small")


def _place_of(person: int | None, people: Sequence[int]) -> int:
    """Return the index of the person who is drawn."""
    if not people:
        raise ConfigError("plot: this harvest holds nobody")
    listed = ", ".join(map(str, people))
    if person is None and len(people) > 1:
        raise ConfigError(f"person: this harvest holds {listed}: choose one with person=")
    if person is not None and person not in people:
        raise ConfigError(f"person: expected one of {listed}, got {person}")
    return 0 if person is None else people.index(person)
