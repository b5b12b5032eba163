"""Planted faults of a real capture: the first line of the report, and the terminal, name each of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from poseharvest.annotations.reader import Harvest

NUM_FRAMES = 70
VIEWS = ("cam01", "cam02", "cam03", "cam04")


def moved(calibration: str) -> str:
    """The third camera stands 200 mm from where it stood, along its own x."""
    numbers = re.findall(r"translation = \[ ([-.\d]+)", calibration)[2]
    return calibration.replace(numbers, str(float(numbers) + 0.2))


def exchanged(calibration: str) -> str:
    """The first two cameras have each other's numbers."""
    swap = {"cam01": "cam02", "cam02": "cam01"}
    return re.sub(r"int_(cam01|cam02)_img", lambda found: f"int_{swap[found[1]]}_img", calibration)


def offsets(**others: int) -> list[str]:
    values = dict.fromkeys(VIEWS, 1) | others
    return [word for view, value in values.items() for word in ("--detector-option", f"frame_offset.{view}={value}")]


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "options", "named"),
    [
        (
            str,
            offsets(cam03=6),
            r"Look first: camera cam03: its pictures are [45](\.\d+)? frames .* behind .*; left out: ",
        ),
        (moved, offsets(), r"Look first: camera cam03: it was moved or turned after its calibration \(about 1\d\d mm "),
        (exchanged, offsets(), r"Look first: cameras cam01 and cam02: their calibrations, or .* are exchanged; left o"),
        (str, [*offsets(), "--unit", "cm", "--ignore-audit"], r"Wrong: is the calibration in metres, centimetres or "),
    ],
    ids=["out of step", "moved", "exchanged", "wrong unit"],
)
def test_a_planted_fault_is_named_at_once(run, shared_dir: Path, tmp_path: Path, change, options, named) -> None:
    capture = shared_dir / "captures" / "balance"
    calibration = tmp_path / "calibration.toml"
    calibration.write_text(change((capture / "calibration" / "calib_scene.toml").read_text()))
    out = tmp_path / "out"
    inputs = ["--calibration", calibration, "--detector", capture / "openpose", "--stop", NUM_FRAMES]
    done = run("harvest", capture, *inputs, *options, "--resolution", 16, "--out", out)
    assert done.code == 0, done.err
    (verdict,) = [line for line in done.out.splitlines() if line.startswith("verdict: ")]
    assert re.match(f"verdict: {named}", verdict), verdict
    page = (out / "report" / "index.html").read_text(encoding="utf-8")
    first = re.search(r'<p class="sentence">([^<]*)</p>', page)
    assert first is not None
    assert first[1].replace("&#34;", '"').replace("&#39;", "'") == verdict.removeprefix("verdict: ")
    assert page.index('class="sentence"') < page.index('class="facts"')


@pytest.mark.data
@pytest.mark.slow
def test_a_wrong_unit_ends_the_harvest_with_the_right_one(run, shared_dir: Path, tmp_path: Path) -> None:
    capture = shared_dir / "captures" / "balance"
    calibration = capture / "calibration" / "calib_scene.toml"
    inputs = ["--calibration", calibration, "--detector", capture / "openpose", "--stop", NUM_FRAMES, "--unit", "cm"]
    done = run("harvest", capture, *inputs, *offsets(), "--out", tmp_path / "out")
    assert done.code == 1
    assert re.search(r"is the calibration in metres, centimetres or millimetres\? .*; try unit=m\b", done.err)


def test_the_verdict_follows_the_report_and_precedes_the_findings(run, footage, tmp_path: Path) -> None:
    done = run("harvest", footage.capture, "--detector", footage.keypoints, "--out", tmp_path / "h", "--resolution", 16)
    assert done.code == 0, done.err
    lines = done.out.split("report:  ")[1].splitlines()[1:]
    assert lines[0].startswith(("verdict: Good: ", "verdict: Look first: "))
    assert all(line.startswith(("warning: ", "note: ")) for line in lines[1:])
    assert "selected as annotations" not in done.out  # the share that was asked for is no news


def test_a_share_that_was_not_asked_for_is_said(run, footage, tmp_path: Path) -> None:
    inputs = ["--detector", footage.keypoints, "--resolution", 16, "--limit", 1.2]
    done = run("harvest", footage.capture, *inputs, "--out", tmp_path / "h")
    assert done.code == 0, done.err
    selection = Harvest.open(tmp_path / "h").info.selection
    selected, supported = (sum(getattr(one, name) for one in selection.joints) for name in ("selected", "supported"))
    assert f", {selected} of {supported} joints selected as annotations" in done.out
