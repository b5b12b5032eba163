"""A page stays below its largest size, and says what it leaves out for that."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.report import film_in_page, fitted, page_limit, report
from poseharvest.report.page_limit import MAX_PAGE_BYTES, evenly_kept
from walker_kit import Recipe, write_walk


def noisy(folder: Path, recipe: Recipe) -> Harvest:
    """A harvest whose kept pictures are noise, which no encoder makes small."""
    walk = write_walk(folder, recipe)
    noise = np.random.default_rng(0).integers(0, 255, (720, 960, 3), dtype=np.uint8)
    _, encoded = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_QUALITY, 95])
    for path in (walk.path / "previews").rglob("*.jpg"):
        path.write_bytes(encoded.tobytes())
    (walk.path / "SHA256SUMS").unlink()
    return Harvest.open(walk.path)


def test_the_shares_of_a_page_are_less_than_the_whole() -> None:
    shares = [page_limit.TAKE_BYTES, page_limit.MOVING_BYTES, page_limit.OVERLAY_BYTES, page_limit.TIMELINE_BYTES]
    assert sum(shares) + page_limit.JSON_BYTES <= MAX_PAGE_BYTES - 2_000_000


@pytest.mark.slow
def test_a_harvest_with_too_many_pictures_makes_a_page_below_the_limit(tmp_path: Path) -> None:
    """400 pictures of noise, 90 kB each when they are small: 36 MB."""
    walk = noisy(tmp_path / "walk", Recipe(num_frames=100, pictured=tuple(range(100))))
    page = report(walk.path, tmp_path / "page.html")
    assert page.stat().st_size < MAX_PAGE_BYTES
    text = page.read_text(encoding="utf-8")
    assert "<b>Left out.</b>" in text
    assert "of 100 frames. This page stays below 30 MB." in text


def test_large_pictures_are_thinned_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walk = noisy(tmp_path / "walk", Recipe(pictured=(0, 12, 24, 36)))
    whole = report(walk.path, tmp_path / "whole.html")
    assert "Left out." not in whole.read_text(encoding="utf-8")
    text = whole.read_text(encoding="utf-8")
    drawings = text[text.index('id="moment-0"') : text.index('id="moment-3"')]
    monkeypatch.setattr(fitted, "OVERLAY_BYTES", len(drawings) * 5 // 6)  # of three frames: there is room for two
    page = report(walk.path, tmp_path / "page.html")
    text = page.read_text(encoding="utf-8")
    assert "2 of the 4 frames with large pictures. This page stays below 30 MB." in text
    assert 'data-moment="0"' in text
    assert 'data-moment="24"' in text
    assert 'data-moment="12"' not in text


def test_a_long_record_is_left_out_with_a_word(
    harvest: Harvest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fitted, "JSON_BYTES", 100)
    text = report(harvest.path, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "the text of harvest.json, which lies in the harvest folder." in text
    assert "<summary>harvest.json</summary>" not in text


def test_a_film_is_inside_the_page_or_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walk = write_walk(tmp_path / "walk", Recipe(film=True))
    inside = report(walk.path, tmp_path / "inside.html").read_text(encoding="utf-8")
    assert 'id="film-0"' in inside
    assert "The pictures are those of every frame" in inside
    assert "This page is one file" in inside
    assert not (tmp_path / "inside_frames").exists()
    size = film_in_page.as_text(walk.film_parts()[0].stat().st_size)
    monkeypatch.setattr(film_in_page, "MOVING_BYTES", size - 1)
    beside = report(walk.path, tmp_path / "beside.html").read_text(encoding="utf-8")
    assert 'id="film-0"' not in beside
    assert 'id="take"' in beside  # the poses still fit
    assert "in the folder beside_frames: keep both together" in beside
    assert Path(tmp_path / "beside_frames" / "film-00000.mp4").samefile(walk.film_parts()[0])
    report(walk.path, tmp_path / "beside.html", overwrite=True)  # an earlier folder is replaced
    assert walk.film_parts()[0].is_file()


@pytest.mark.parametrize(
    ("sizes", "most", "kept"),
    [([], 0, ()), ([3], 2, ()), ([3], 3, (0,)), ([1, 2, 3, 4, 5], 9, (0, 2, 4)), ([1, 2, 3, 4, 5], 5, (0,))],
)
def test_what_is_kept_is_spread_evenly(sizes: list[int], most: int, kept: tuple[int, ...]) -> None:
    assert evenly_kept(sizes, most) == kept
