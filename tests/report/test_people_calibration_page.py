"""The page of a calibration from people: one file, names escaped, every camera and finding on it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from poseharvest.people_calibration import calibrate_by_people
from poseharvest.people_calibration.people_findings import judge_people
from poseharvest.people_calibration.people_record import people_record_text
from poseharvest.report.people_calibration_page import render_people_calibration
from poseharvest.rig_calibration.lenses import lens_of_camera
from poseharvest.simulation.camera_rigs import random_rig
from poseharvest.simulation.scene import make_scene
from study.seen_joints import seen_by_cameras


@pytest.fixture(scope="module")
def result():
    scene = make_scene(4, random_rig(3, torch.Generator().manual_seed(4), image_size=(480, 640)))
    sightings = replace(seen_by_cameras(scene, 40, seed=4), views=("<b>left</b>", "cam2", "cam3"))
    found = calibrate_by_people(sightings, [lens_of_camera(camera) for camera in scene.cameras])
    return replace(found, findings=judge_people(found, has_guessed_lenses=False, asked_world="person"))


def test_the_page_shows_every_camera_and_finding(result):
    page = render_people_calibration(result, "walk & talk")
    assert "<h1>walk &amp; talk</h1>" in page
    assert "&lt;b&gt;left&lt;/b&gt;" in page
    assert "<b>left</b>" not in page
    assert page.count('<svg class="coverage"') == 3
    assert page.count('class="finding ') == len(result.findings)
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert ">nan" not in page.lower()


def test_the_record_is_plain_json(result):
    record = json.loads(people_record_text(result))
    assert record["source"] == "people"
    assert record["not_placed"] == []
    assert [camera["name"] for camera in record["cameras"]] == ["<b>left</b>", "cam2", "cam3"]
    assert record["scale"]["is_guessed"]
    assert set(record["limbs_mm"]) == {limb.name for limb in result.sightings.skeleton.limbs}
