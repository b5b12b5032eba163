"""Every frame reaches the player, with the projections that the harvest holds, in pieces where there are many."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import StoreError
from poseharvest.export.even_frames import find_track
from poseharvest.geometry.image_covariance import image_uncertainty
from poseharvest.geometry.rig import Rig
from poseharvest.kinematics.angle_track import angles_over_time
from poseharvest.kinematics.kinematics_options import KinematicsOptions
from poseharvest.kinematics.person_track import person_track
from poseharvest.report import report, take
from poseharvest.report.angle_pieces import STEP_DEG, ChartAngles
from poseharvest.report.take import ROOT_STEP_PX, TakeTally, fits_inside

SHAPE = (40, 4, 16)
NOWHERE = -32768


def int16(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<i2").astype(float)


def tallied(harvest: Harvest, rig: Rig, sink: take.Sink | None = None) -> take.TakeIndex:
    tally = TakeTally(rig, ChartAngles.of(harvest), sink)
    for row in harvest.iter_selected():
        tally.add(row.calibrated, row.selected.numpy())
    return tally.index()


@pytest.fixture(scope="module")
def piece(harvest: Harvest, rig: Rig) -> dict:  # type: ignore[type-arg]
    """The only piece of a short take."""
    inside = tallied(harvest, rig).inside
    assert inside is not None
    return json.loads(inside)


def test_pixels_and_peaks_are_those_of_the_harvest(harvest: Harvest, piece: dict) -> None:  # type: ignore[type-arg]
    views = piece["views"]
    steps = np.array(views["steps_px"])[:, None, None]
    rows = list(harvest.iter_frames())
    for name, stored in (("pixels", "pixels"), ("peak_pixels", "peaks")):
        got = int16(views[stored]).reshape(*SHAPE, 2)
        expected = torch.stack([getattr(row, name) for row in rows]).numpy()
        known = np.isfinite(expected)
        if stored == "peaks":
            known &= torch.stack([row.peak_score for row in rows]).numpy()[..., None] > 0
        assert (got[~known] == NOWHERE).all()
        np.testing.assert_allclose((got * steps)[known], expected[known], atol=steps.max() / 2 + 1e-6)
    assert (int16(views["peaks"]).reshape(*SHAPE, 2)[12, 2] == NOWHERE).all()  # the view is absent


def test_the_ellipses_are_the_covariances_in_the_pictures(harvest: Harvest, rig: Rig, piece: dict) -> None:  # type: ignore[type-arg]
    roots = int16(piece["views"]["roots"]).reshape(*SHAPE, 3) * ROOT_STEP_PX
    row = list(harvest.iter_selected())[9]
    for view, camera in enumerate(rig.at(9)):
        cov = image_uncertainty(camera, row.annotations.mean, row.calibrated_cov).cov.numpy()
        xx, xy, yy = roots[9, view].T
        root = np.stack([xx, xy, xy, yy], -1).reshape(-1, 2, 2)
        np.testing.assert_allclose(root @ root, cov, atol=0.1 * np.sqrt(cov.max()) + 0.01)


def test_the_angles_are_those_of_kinematics(harvest: Harvest, piece: dict) -> None:  # type: ignore[type-arg]
    """Raw positions by the other way: the tables that `poseharvest kinematics` writes."""
    options = KinematicsOptions(smooth=False)
    track = person_track(harvest, find_track(harvest, options, "a folder"), options)
    angles = ChartAngles.of(harvest)
    expected = angles_over_time(track, angles.up)
    assert expected.names == angles.names
    shape = (SHAPE[0], len(angles.names))
    for stored, values in (("degrees", expected.degrees), ("sigmas_deg", expected.sigma_deg)):
        got = int16(piece["angles"][stored]).reshape(shape)
        known = np.isfinite(expected.degrees) & np.isfinite(expected.sigma_deg)
        assert known.mean() > 0.9
        assert (got[~known] == NOWHERE).all()
        np.testing.assert_allclose(got[known] * STEP_DEG, values[known], atol=STEP_DEG)


def test_pieces_hold_what_one_holds(
    harvest: Harvest,
    rig: Rig,
    piece: dict,  # type: ignore[type-arg]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(take, "PIECE_RECORDS", 7)
    pieces: dict[int, dict] = {}  # type: ignore[type-arg]
    index = tallied(harvest, rig, lambda number, text: pieces.__setitem__(number, json.loads(text)))
    assert index.inside is None
    assert list(pieces) == list(range(6))
    assert [one.moments for one in index.pieces] == [7] * 5 + [5]
    assert [(one.first_frame, one.last_frame) for one in index.pieces][-1] == (35, 39)
    assert [frame for one in pieces.values() for frame in one["frames"]] == piece["frames"]
    pixels = np.concatenate([int16(one["views"]["pixels"]) for one in pieces.values()])
    np.testing.assert_array_equal(pixels, int16(piece["views"]["pixels"]))


def test_a_page_stays_small() -> None:
    assert fits_inside(2000, 27, 4)
    assert not fits_inside(2001, 3, 2)
    assert not fits_inside(2000, 133, 8)


def test_the_pieces_lie_beside_the_page(harvest: Harvest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take, "MAX_INSIDE", 20)
    page = report(harvest.path, tmp_path / "page.html")
    text = page.read_text(encoding="utf-8")
    assert 'id="take"' not in text
    assert "in the folder page_frames: keep both together" in text
    assert [path.name for path in (tmp_path / "page_frames").iterdir()] == ["piece-00000.js"]
    report(harvest.path, page, overwrite=True)  # an earlier folder of pieces is replaced


def test_a_folder_of_something_else_is_kept(harvest: Harvest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take, "MAX_INSIDE", 20)
    (tmp_path / "page_frames").mkdir()
    (tmp_path / "page_frames" / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="page_frames: already exists and is not an output of this kind"):
        report(harvest.path, tmp_path / "page.html")
    assert (tmp_path / "page_frames" / "mine.txt").read_text() == "mine"
    assert not (tmp_path / "page.html").exists()
