"""The film of a harvest holds the pictures of its frames, stays small, and goes on after an interruption."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from poseharvest.annotations import film as film_module
from poseharvest.annotations.film import FILM, FilmWriter, film_part_path, film_picture, plan_film
from poseharvest.annotations.info import FilmInfo
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.reselect import reselect
from poseharvest.errors import StoreError
from poseharvest.geometry.rig import Rig
from poseharvest.selection.selection_rule import SelectionRule
from walker_kit import ABSENT_FRAMES, ABSENT_VIEW, Recipe, coded, read_code, walker_rig, write_walk


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def tile_of(film: FilmInfo, picture: np.ndarray, view: int) -> np.ndarray:
    tile = film.tiles[view]
    return picture[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]


@pytest.fixture(scope="module")
def rig() -> Rig:
    return walker_rig()


def written(folder: Path, rig: Rig, frames: range, stop: int | None = None) -> FilmWriter:
    """A film of coded pictures, up to a frame; a folder goes on with what it holds."""
    writer = FilmWriter(folder, plan_film(rig, frames, 25.0, 160))
    for frame in writer.info.frames:
        if stop is None or frame < stop:
            images = [coded(frame, view) for view in range(len(rig))]
            writer.add(frame, film_picture(writer.info, images))
    return writer


def test_each_picture_is_that_of_its_frame_in_every_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film_module, "PICTURES_PER_PART", 15)
    walk = write_walk(tmp_path / "walk", Recipe(film=True))
    film = walk.info.film
    assert film is not None
    assert (film.first_frame, film.step, film.pictures, film.num_parts) == (0, 1, 40, 3)
    pictures = [picture for part in walk.film_parts() for picture in decoded(part)]
    assert len(pictures) == len(film.frames) == 40
    for frame, picture in zip(film.frames, pictures, strict=True):
        for view in range(4):
            tile = tile_of(film, picture, view)
            if view == ABSENT_VIEW and frame in ABSENT_FRAMES:
                assert np.abs(tile.astype(int) - film_module._NOTHING_RGB).max() < 8
            else:
                assert read_code(tile) == (frame, view)


def test_colours_and_places_are_those_of_the_footage(rig: Rig, tmp_path: Path) -> None:
    """A smooth coloured picture, which a swap of channels, a shift or another matrix of colours would change."""
    height, width = rig.cameras[0].image_size
    y, x = np.mgrid[:height, :width]
    image = np.stack([255 * x / width, 255 * y / height, 128 + 100 * np.sin(x / 40)], axis=-1).astype(np.uint8)
    film = plan_film(rig, range(3, 4), 25.0)
    writer = FilmWriter(tmp_path, film)
    writer.add(3, film_picture(film, [image, None, image[::-1], None]))
    writer.finish()
    (picture,) = decoded(film_part_path(tmp_path, 0))
    for view, wanted in ((0, image), (2, image[::-1])):
        small = cv2.resize(wanted, (film.tiles[view].width, film.tiles[view].height), interpolation=cv2.INTER_AREA)
        assert np.abs(tile_of(film, picture, view).astype(int) - small).mean() < 4


def test_tiles_do_not_touch_and_hold_each_view_in_its_shape(rig: Rig) -> None:
    for num_views in (1, 3, 4):
        cameras = Rig(rig.cameras[:num_views])
        film = plan_film(cameras, range(10), 25.0, 200)
        claimed = np.zeros((film.height, film.width), dtype=int)
        for tile in film.tiles:
            claimed[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] += 1
            assert (tile.width, tile.height) == (200, 150)
            assert tile.left % 16 == tile.top % 16 == 0
        assert claimed.max() == 1
        assert claimed.sum() == num_views * 200 * 150


@pytest.mark.parametrize("num_frames", [1, 5000, 36_000, 1_000_000])
def test_a_long_take_stays_below_the_largest_size(rig: Rig, num_frames: int) -> None:
    film = plan_film(rig, range(7, 7 + num_frames), 60.0)
    most = sum(film_module._most_bytes((tile.height, tile.width)) for tile in film.tiles)
    assert film.pictures * most <= film_module.MAX_BYTES + most
    assert film.frames[0] == 7
    assert film.frames[-1] < 7 + num_frames <= film.frames[-1] + film.step
    assert film.picture_rate == pytest.approx(60 / film.step)


def test_noise_takes_no_more_than_the_largest_size(rig: Rig, tmp_path: Path) -> None:
    """The worst footage for an encoder: nothing in a picture tells of the next one."""
    film = plan_film(rig, range(60), 25.0, 160)
    writer, noise = FilmWriter(tmp_path, film), np.random.default_rng(0)
    for frame in film.frames:
        images = [noise.integers(0, 255, (360, 480, 3), dtype=np.uint8) for _ in rig]
        writer.add(frame, film_picture(film, images))
    most = sum(film_module._most_bytes((tile.height, tile.width)) for tile in film.tiles)
    size = film_part_path(tmp_path, 0).stat().st_size
    assert 0.5 * 60 * most < size < 1.1 * 60 * most


@pytest.mark.parametrize("stop", [9, 20, 26, 44])
def test_an_interrupted_film_ends_as_without_an_interruption(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    monkeypatch.setattr(film_module, "PICTURES_PER_PART", 12)
    frames = range(5, 45)
    for folder in ("whole", "broken"):
        (tmp_path / folder).mkdir()
    written(tmp_path / "whole", rig, frames).finish()
    written(tmp_path / "broken", rig, frames, stop)
    (tmp_path / "broken" / FILM / "part-00009.mp4.begun").write_bytes(b"half")
    again = FilmWriter(tmp_path / "broken", plan_film(rig, frames, 25.0, 160))
    assert again.next_frame == 5 + 12 * ((stop - 5) // 12)
    written(tmp_path / "broken", rig, frames).finish()
    whole, broken = (
        {path.name: path.read_bytes() for path in (tmp_path / name / FILM).iterdir()} for name in ("whole", "broken")
    )
    assert sorted(whole) == [f"part-{index:05d}.mp4" for index in range(4)]
    assert whole == broken


def test_a_film_that_lacks_pictures_is_no_film(rig: Rig, tmp_path: Path) -> None:
    writer = written(tmp_path, rig, range(10), stop=7)
    with pytest.raises(StoreError, match=r"film: expected 10 pictures, got 7: harvest again"):
        writer.finish()


def test_damaged_and_missing_parts_are_named(tmp_path: Path) -> None:
    walk = write_walk(tmp_path / "walk", Recipe(film=True, num_frames=6, pictured=()))
    part = film_part_path(walk.path, 0)
    content = part.read_bytes()
    part.write_bytes(content[:-1] + b"x")
    with pytest.raises(StoreError, match=r"part-00000.mp4: this part of the film is damaged"):
        Harvest.open(walk.path).film_parts()
    part.unlink()
    with pytest.raises(StoreError, match=r"part-00000.mp4: this part of the film is missing"):
        Harvest.open(walk.path).film_parts()


def test_a_new_selection_keeps_the_film(tmp_path: Path) -> None:
    walk = write_walk(tmp_path / "walk", Recipe(film=True, num_frames=6, pictured=()))
    before = film_part_path(walk.path, 0).read_bytes()
    again = reselect(walk, SelectionRule(share=0.5))
    assert [part.read_bytes() for part in again.film_parts()] == [before]
    assert again.info.film == walk.info.film


def test_the_film_plays_at_the_speed_of_the_capture(rig: Rig, tmp_path: Path) -> None:
    written(tmp_path, rig, range(4)).finish()
    with av.open(str(film_part_path(tmp_path, 0))) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == Fraction(25)
        assert [stream.codec_context.name, stream.codec_context.pix_fmt] == ["h264", "yuv420p"]
