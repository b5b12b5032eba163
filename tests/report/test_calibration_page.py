"""The page of a calibration and its folder's record: complete, escaped, and true to the result."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from board_kit import changed, session
from poseharvest.report.calibration_page import render_calibration
from poseharvest.rig_calibration import calibrate_rig
from poseharvest.rig_calibration.calibration_record import record_text
from poseharvest.rig_calibration.solve import WorldRequest


@pytest.fixture(scope="module")
def result():
    _, sightings = session(num_views=2, num_near=9, num_common=16)
    named = replace(sightings, views=("<cam&1>", "cam2"))
    return calibrate_rig(named, world=WorldRequest(floor_frames=(0,)))


def test_the_page_needs_nothing_else_and_escapes_names(result):
    page = render_calibration(result, "walk <b>")
    assert "<cam&1>" not in page
    assert "&lt;cam&amp;1&gt;" in page
    assert "walk &lt;b&gt;" in page
    assert not re.search(r'(?:src|href)="(?!data:)[^#"]', page)
    assert "http" not in page
    for finding in result.findings:
        assert finding.topic.split()[-1].replace("<", "&lt;").replace("&1>", "&amp;1&gt;") in page


def test_the_page_draws_every_camera_and_every_picture(result):
    page = render_calibration(result, "walk")
    assert page.count('class="coverage"') == 2
    assert page.count('class="used"') + page.count('class="left"') == len(result.adjusted.fits)
    shared = int(result.sightings.shared[0, 1])
    assert f"<td>{shared}</td>" in page
    assert "fit" in page


def test_the_record_holds_what_the_page_shows(result):
    record = json.loads(record_text(result))
    assert record["is_fit"] is True
    assert [camera["name"] for camera in record["cameras"]] == ["<cam&1>", "cam2"]
    for number, camera in enumerate(record["cameras"]):
        used = [one for one in record["cameras"][number]["by_picture"] if one["left_out"] is None]
        assert camera["pictures"]["used"] == len(used)
        assert camera["focal_px"][0] == pytest.approx(float(result.rig.cameras[number].px_from_cam[0, 0]))
        assert np.sum(camera["coverage"]) > 0
        # The camera's error again, from those of its pictures.
        squares = sum(one["corners"] * one["error_px"] ** 2 for one in used)
        again = np.sqrt(squares / sum(one["corners"] for one in used))
        assert camera["error_px"] == pytest.approx(again, rel=0.05)


def test_numbers_that_are_not_known_are_null(result):
    fixed = calibrate_rig(
        changed(result.sightings, lambda one: one),
        lenses=[replace(lens, model="fixed") for lens in result.adjusted.state.lenses],
    )
    record = json.loads(record_text(fixed))
    assert record["cameras"][0]["focal_sigma_px"] is None
    assert "given" in render_calibration(fixed, "walk")
