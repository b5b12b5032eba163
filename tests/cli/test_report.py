"""The command `report`."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from poseharvest.annotations.film import FilmWriter, film_part_path, film_picture, plan_film
from poseharvest.capture.capture import Capture
from poseharvest.cli.report import report
from poseharvest.detectors.registry import load_detector
from poseharvest.errors import CaptureError, StoreError
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.report.collect import frame_range
from walker_kit import Recipe, write_walk

app = typer.Typer()
app.command()(report)


def test_it_writes_the_page_and_says_where(tmp_path: Path) -> None:
    walk = write_walk(tmp_path / "h", Recipe(num_frames=2, pictured=()))
    result = CliRunner().invoke(app, [str(walk.path)])
    assert result.exit_code == 0
    assert result.output.strip() == f"wrote {walk.path / 'report' / 'index.html'}"
    assert (walk.path / "report" / "index.html").is_file()


def test_out_names_another_file(tmp_path: Path) -> None:
    walk = write_walk(tmp_path / "h", Recipe(num_frames=2, pictured=()))
    result = CliRunner().invoke(app, [str(walk.path), "--out", str(tmp_path / "deep" / "page.html")])
    assert result.exit_code == 0
    assert (tmp_path / "deep" / "page.html").is_file()
    assert not (walk.path / "report").exists()


def test_a_missing_harvest_is_our_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path / "none")])
    assert isinstance(result.exception, StoreError)
    with pytest.raises(StoreError, match="there is no such folder"):
        raise result.exception


@pytest.mark.data
def test_a_film_is_made_from_the_footage(shared_dir: Path, tmp_path: Path) -> None:
    """A harvest of keypoint files keeps none; the page's film holds the frames with a person."""
    capture = shared_dir / "captures" / "balance"
    opened = Capture.open(capture, calibration=capture / "calibration" / "calib_scene.toml")
    detector = load_detector(capture / "openpose", frame_offset=1)
    options = HarvestOptions(stop=9, warm_up_frames=4, inference=InferenceOptions(resolution=16), estimate="grid")
    made = harvest(opened, detector, tmp_path / "h", options=options)
    assert made.info.film is None
    page = tmp_path / "page.html"
    result = CliRunner().invoke(app, [str(made.path), "--out", str(page), "--film-pixels", "128"])
    assert result.exit_code == 0, result.output
    content = re.search(r'id="film-0">([^<]+)<', page.read_text(encoding="utf-8"))
    assert content is not None
    first, last = frame_range(made)
    writer = FilmWriter(tmp_path, plan_film(made.rig, range(first, last + 1), 60, 128))
    for frame in opened.frames(first, last + 1):
        writer.add(frame.index, film_picture(writer.info, frame.images))
    assert writer.finish().pictures > 5
    assert base64.b64decode(content[1]) == film_part_path(tmp_path, 0).read_bytes()
    moved = CliRunner().invoke(app, [str(made.path), "--film-pixels", "128", "--capture", str(tmp_path / "none")])
    assert isinstance(moved.exception, CaptureError)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--film-pixels", "128", "--beside", "other"), "goes with one harvest alone, not with --beside"),
        (("--capture", "footage"), "goes with --film-pixels alone"),
    ],
)
def test_options_that_do_not_go_together_are_named(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(app, [str(tmp_path / "h"), *arguments])
    assert result.exit_code == 2
    assert said in re.sub(r"[│\s]+", " ", result.output)


def test_help_names_the_options() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert "--out" in result.output
    assert "--overwrite" in result.output
