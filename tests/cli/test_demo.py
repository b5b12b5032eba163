"""The demo's command line; what it does is tested with the experiments."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from poseharvest.detectors.shipped_weights import FOLDER, GENERIC_HOURGLASS
from poseharvest.tables.studio import first_result
from poseharvest.tables.studio import studio_demo as demo


def test_weights_that_are_not_there_are_named_before_anything_is_made(run, tmp_path):
    done = run("demo", "--quick", "--weights", tmp_path / "gone.safetensors", "--out", tmp_path / "demo")
    assert done.code == 1
    assert "gone.safetensors: expected the weights of hourglass, got no file" in done.err
    assert not (tmp_path / "demo").exists()


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.skipif(
    not (FOLDER / f"{GENERIC_HOURGLASS}.safetensors").is_file(), reason="the weights are not part of this checkout"
)
def test_the_quick_demo_tells_the_whole_story(run, tmp_path, monkeypatch):
    """One action of the quick plan's, in fewer frames, learned from once."""
    filming = replace(demo.QUICK.filming, num_frames=6)
    monkeypatch.setattr(demo, "QUICK", replace(demo.QUICK, actions=demo.QUICK.actions[:1], filming=filming, epochs=1))
    done = run("demo", "--quick", "--out", tmp_path / "demo")
    assert done.code == 0, done.err
    assert "here, PS+sel" in done.out
    assert "PS+sel lies" in done.out
    assert (tmp_path / "demo" / "report" / "index.html").is_file()


@pytest.mark.slow
@pytest.mark.skipif(
    not (FOLDER / f"{GENERIC_HOURGLASS}.safetensors").is_file(), reason="the weights are not part of this checkout"
)
def test_the_first_result(run, tmp_path, monkeypatch):
    """Fewer and smaller pictures than a user gets."""
    small = replace(first_result.FILMING, num_frames=5, scale=0.3)
    monkeypatch.setattr(first_result, "FILMING", small)
    done = run("demo", "--out", tmp_path / "demo", "--seed", 3)
    assert done.code == 0, done.err
    footage = tmp_path / "demo" / "capture-3"
    assert f"poseharvest harvest {footage} --out HARVEST" in done.out
    assert re.search(r"error against the known truth, no alignment, \d+ joints: mean \d+\.\d mm", done.out)
    assert (tmp_path / "demo" / "harvest" / "report" / "index.html").is_file()
    again = run("demo", "--out", tmp_path / "demo", "--seed", 3)
    assert again.code == 0, again.err
    assert again.out.splitlines()[-3:] == done.out.splitlines()[-3:]
    other = run("demo", "--out", tmp_path / "demo", "--seed", 4)
    assert other.code == 1
    assert "already exists, and was made with other options, footage" in other.err
    as_one_s_own = run("audit", footage)
    assert as_one_s_own.code == 0, as_one_s_own.err
