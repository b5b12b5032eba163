"""A figure draws the numbers of the harvest: its lines and bands are read back from matplotlib."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export_kit import STRANGE
from harvest_kit import make_records, write_harvest
from poseharvest import Harvest
from poseharvest.errors import ConfigError

pytest.importorskip("matplotlib")


def test_lines_and_bands_are_positions_and_two_sigmas(tmp_path: Path) -> None:
    harvest = Harvest.open(STRANGE["three people"](tmp_path / "h").path)
    figure = harvest.plot("left_wrist", "pelvis", person=2, smooth=False)
    joint = harvest.skeleton.index("pelvis")
    for axis, panel in enumerate(figure.axes):
        line, band = panel.lines[1], panel.collections[1]
        assert line.get_label() == "pelvis"
        times, values = line.get_data()
        np.testing.assert_array_equal(times, harvest.times_s)
        np.testing.assert_array_equal(values, harvest.positions[:, 2, joint, axis])
        edges = band.get_paths()[0].vertices
        lowest = (values - 2 * harvest.sigmas_mm[:, 2, joint]).min()
        assert edges[:, 1].min() == pytest.approx(lowest)
    figure.savefig(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_a_frame_without_the_person_is_a_gap_in_the_line(tmp_path: Path) -> None:
    harvest = Harvest.open(write_harvest(tmp_path / "h", make_records((0, 1, 3))).path)
    assert np.isnan(harvest.plot("pelvis").axes[0].lines[0].get_ydata()).tolist() == [False, False, True, False]


@pytest.mark.parametrize("strange", [name for name in STRANGE if name != "three people"])
def test_strange_harvests_are_drawn(strange: str, tmp_path: Path) -> None:
    figure = Harvest.open(STRANGE[strange](tmp_path / "h").path).plot()
    assert [len(panel.lines) for panel in figure.axes] == [16, 16, 16]
    figure.savefig(tmp_path / "a.png")


def test_wrong_names_are_named(tmp_path: Path) -> None:
    harvest = Harvest.open(STRANGE["three people"](tmp_path / "h").path)
    with pytest.raises(ConfigError, match=r'joints: expected some of right_ankle, .*, got "tail"'):
        harvest.plot("tail", person=0)
    with pytest.raises(ConfigError, match="person: this harvest holds 0, 1, 2: choose one with person="):
        harvest.plot("pelvis")
    with pytest.raises(ConfigError, match="person: expected one of 0, 1, 2, got 7"):
        harvest.plot("pelvis", person=7)
