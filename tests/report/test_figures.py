"""Scales, colours and small drawings."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from poseharvest.report.collect import ReportContent
from poseharvest.report.figures import LogScale, colours_of, cut_histogram, deviation_bar, pooled_histogram, spread_bar
from poseharvest.report.joint_order import reading_order
from poseharvest.report.strip import LEFT, WIDTH, strip_svg


def test_a_log_scale_is_even_in_ratios() -> None:
    scale = LogScale(1, 100)
    assert scale.at(np.array([1.0, 10.0, 100.0, 1e9, 0.0])).tolist() == pytest.approx([0, 0.5, 1, 1, 0])
    assert np.isnan(scale.at(float("nan")))
    assert scale.ticks() == [1, 2, 5, 10, 20, 50, 100]
    assert LogScale(16, 65).ticks() == [20, 30, 40, 50]


def test_a_scale_around_values_ends_on_round_numbers() -> None:
    scale = LogScale.around(np.array([3.1, 7.0, 40.0, np.nan, 0.0]))
    assert (scale.low, scale.high) == (2, 50)
    assert LogScale.around(np.array([np.nan])).low == 1
    one = LogScale.around(np.array([5.0]))
    assert one.low < one.high


def test_the_colours_grow_lighter_all_the_way() -> None:
    red, green, blue = (colours_of(np.linspace(0, 1, 50)) / 255).T
    luminance = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2
    assert (np.diff(luminance) > 0).all()


def test_every_drawing_is_well_formed(content: ReportContent) -> None:
    joints, limb = content.joints, content.limbs[0]
    scale = LogScale(1, 100)
    order = reading_order(content.skeleton)
    drawings = [
        spread_bar(joints.sigma, scale, "left"),
        deviation_bar(limb, 40.0),
        cut_histogram(joints.joints[0], joints.edges_mm, 8.0),
        pooled_histogram(joints.joints, joints.edges_mm),
        strip_svg(content.timelines[0], content.skeleton, order, scale, "strip-0"),
    ]
    for drawing in drawings:
        assert ElementTree.fromstring(str(drawing)).tag == "svg"
        assert "nan" not in drawing


def test_the_cut_stands_between_kept_and_left_out(content: ReportContent) -> None:
    joints = content.joints
    joint = joints.joints[0]
    drawing = cut_histogram(joint, joints.edges_mm, joint.largest_selected_mm)
    found = re.search(r'class="cut" x1="([\d.]+)"', drawing)
    assert found is not None
    place = int(float(found[1]) / 240 * len(joint.other_bars))
    assert joint.other_bars[: place - 1].sum() == 0
    assert joint.selected_bars[place + 2 :].sum() == 0


def test_lanes_are_as_long_as_the_selection(content: ReportContent) -> None:
    timeline = content.timelines[0]
    j = 2
    drawing = strip_svg(timeline, content.skeleton, (j,), LogScale(1, 100), "strip-0")
    runs = re.findall(r"M([\d.]+) [\d.]+h([\d.]+)v3", drawing)
    kept = sum(float(length) for _, length in runs) / WIDTH * len(timeline.first_frame)
    assert kept == pytest.approx(timeline.selected_share[j].sum(), abs=0.01 * len(runs))
    first = int(np.flatnonzero(timeline.selected_share[j])[0])
    assert float(runs[0][0]) == pytest.approx(LEFT + WIDTH * first / len(timeline.first_frame), abs=0.1)
