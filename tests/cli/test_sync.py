"""`poseharvest sync`: what it prints, what it writes, and what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from poseharvest.capture.settings import read_settings
from poseharvest.cli.app import main

pytestmark = [pytest.mark.data, pytest.mark.slow]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["poseharvest", "sync", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


@pytest.fixture
def keypoints(shared_dir: Path) -> list[object]:
    """Options for the balance keypoints, of which those of one view are 7 frames late."""
    balance = shared_dir / "captures" / "balance"
    options: list[object] = ["--calibration", balance / "calibration" / "calib_scene.toml", "--frame-rate", 60]
    options += ["--detector", balance / "openpose"]
    for view, offset in (("cam01", 1), ("cam02", 1), ("cam03", 8), ("cam04", 1)):
        options += ["--detector-option", f"frame_offset.{view}={offset}"]
    return options


def test_what_is_sure_is_printed_and_written(
    keypoints: list[object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "capture.toml").write_text("frame_rate = 60\n")
    assert run(monkeypatch, tmp_path, *keypoints, "--write") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "cam01: the reference"
    assert lines[3 - 1].startswith("cam03: -0.1")
    assert lines[-2] == "all sure; an offset is the time to add to a view's time stamps"
    offsets = read_settings(tmp_path).offsets
    assert offsets["cam03"].value == pytest.approx(-7 / 60, abs=0.5 / 60)
    assert offsets["cam02"].value == pytest.approx(0, abs=0.5 / 60)


def test_too_small_a_range_is_not_sure(
    keypoints: list[object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Seven frames are 117 ms: with 50 ms at most no offset fits, and nothing is written for that view."""
    assert run(monkeypatch, tmp_path, *keypoints, "--max-offset", "0.05", "--write") == 0
    assert "not sure: " in capsys.readouterr().out
    assert "cam03" not in read_settings(tmp_path).offsets


def test_an_audit_with_keypoints_says_who_is_late(
    keypoints: list[object],
    shared_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = [one for one in keypoints if one not in {"--frame-rate", 60}]
    arguments = ["poseharvest", "audit", str(shared_dir / "captures" / "balance"), *map(str, options)]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    errors = [line for line in capsys.readouterr().out.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert errors[0].startswith(('error: view "cam03": 7.', 'error: view "cam03": 6.'))
    assert "frames late beside cam01" in errors[0]


def test_videos_without_time_codes_are_named(
    shared_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    balance = shared_dir / "captures" / "balance"
    calibration = balance / "calibration" / "calib_scene.toml"
    assert run(monkeypatch, balance, "--calibration", calibration, "--by", "timecode") == 1
    assert "time codes: expected one in every video" in capsys.readouterr().err
