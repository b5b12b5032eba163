"""Drawings of angles: sides share a panel, gaps interrupt lines and bands, names are escaped, scales hold curves."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.kinematics.angle_track import AngleTrack
from poseharvest.kinematics.motion_file import Motion
from poseharvest.report.angle_figures import (
    Curve,
    Panel,
    alone,
    angle_panels,
    coordinate_panels,
    panel_svgs,
    panels_svg,
)

TIMES = np.arange(6) / 10


def drawn(panel: Panel) -> ET.Element:
    """One panel, as a reader of XML sees it."""
    return ET.fromstring(panel_svgs([panel], TIMES)[0])


def paths(panel: Panel, kind: str) -> list[str]:
    return [str(one.get("d")) for one in drawn(panel).iter("path") if str(one.get("class")).startswith(kind)]


def test_both_sides_of_an_angle_share_a_panel() -> None:
    names = ("right_knee_flexion", "left_knee_flexion", "trunk_rotation")
    values = np.arange(18.0).reshape(6, 3)
    track = AngleTrack(names, np.arange(6), TIMES, values, np.ones((6, 3)))
    panels = angle_panels(track)
    assert [(panel.title, [curve.side for curve in panel.curves]) for panel in panels] == [
        ("knee flexion", ["right", "left"]),
        ("trunk rotation", ["middle"]),
    ]
    np.testing.assert_array_equal(panels[0].curves[1].values, values[:, 1])


def test_coordinates_have_their_unit_and_side() -> None:
    motion = Motion(("hip_flexion_r", "hip_flexion_l", "pelvis_tx"), TIMES, np.zeros((6, 3)))
    panels = coordinate_panels(motion, ["pelvis_tx"])
    assert [(panel.title, panel.unit, len(panel.curves)) for panel in panels] == [
        ("hip_flexion", "degrees", 2),
        ("pelvis_tx", "m", 1),
    ]


def test_a_missing_value_interrupts_the_line_and_the_band() -> None:
    values = np.array([1.0, 2, np.nan, 4, 5, 6])
    panel = Panel("angle", "degrees", (Curve("right", values, np.full(6, 0.5)),))
    (line,) = paths(panel, "line")
    assert line.count("M") == 2
    assert line.count("L") == 3
    (band,) = paths(panel, "band")
    assert band.count("Z") == 2
    assert "nan" not in line + band


def test_without_any_value_there_is_an_empty_panel() -> None:
    panel = Panel("angle", "degrees", (Curve("left", np.full(6, np.nan), np.full(6, np.nan)),))
    assert paths(panel, "line") == [""]
    assert paths(panel, "band") == [""]


@given(st.floats(-170, 170), st.floats(0, 300), st.floats(0.01, 5))
def test_lines_stay_within_the_panel(middle: float, span: float, sigma: float) -> None:
    values = middle + span * np.linspace(-0.5, 0.5, 6)
    panel = Panel("angle", "degrees", (Curve("right", values, np.full(6, sigma)),))
    for path in (*paths(panel, "line"), *paths(panel, "band")):
        numbers = np.array(re.findall(r"-?[0-9.]+", path), dtype=float).reshape(-1, 2)
        assert (numbers >= -0.1).all()
        assert (numbers <= (380.1, 170.1)).all()
    labels = [str(one.text) for one in drawn(panel).iter("text") if one.get("text-anchor") == "end"]
    ticks = [float(label) for label in labels if not label.endswith(" s")]
    assert 2 <= len(ticks) <= 7
    np.testing.assert_allclose(np.diff(ticks), np.diff(ticks)[0], rtol=1e-6)


def test_one_frame_can_be_drawn() -> None:
    panel = Panel("angle", "degrees", (Curve("right", np.array([3.0]), np.array([1.0])),))
    assert "NaN" not in panel_svgs([panel], np.array([0.5]))[0]


@pytest.mark.parametrize("title", ["<b>knee</b>", 'a "quoted" & one'])
def test_names_are_escaped_and_a_file_stands_alone(title: str) -> None:
    panel = Panel(title, "degrees", (Curve("right", np.arange(6.0), None),))
    root = ET.fromstring(alone(panels_svg([panel] * 4, TIMES, title)))
    assert root.get("aria-label") == title
    titles = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text") if one.get("class") == "title"]
    assert titles == [f"{title}, degrees"] * 4
    assert root.find("{http://www.w3.org/2000/svg}style") is not None
