"""The xarray data set keeps movement's convention, and movement computes with it where it is installed."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from export_kit import STRANGE
from harvest_kit import make_records, write_harvest
from poseharvest import Harvest
from poseharvest.errors import ConfigError
from poseharvest.motion import MotionOptions
from walker_kit import Recipe, write_walk

xarray = pytest.importorskip("xarray")


@pytest.mark.parametrize("strange", STRANGE)
def test_dimensions_and_attributes_are_movement_s(strange: str, tmp_path: Path) -> None:
    harvest = Harvest.open(STRANGE[strange](tmp_path / "h").path)
    dataset = harvest.to_xarray()
    assert dataset["position"].dims == ("time", "space", "keypoints", "individuals")
    assert dataset["confidence"].dims == ("time", "keypoints", "individuals")
    assert dataset["space"].values.tolist() == ["x", "y", "z"]
    assert dataset["keypoints"].values.tolist() == list(harvest.joint_names)
    assert dataset["individuals"].values.tolist() == [f"person_{n}" for n in harvest.person_numbers]
    assert dataset.attrs["ds_type"] == "poses"
    assert dataset.attrs["time_unit"] == "seconds"
    assert dataset.attrs["fps"] == harvest.info.capture.frame_rate
    np.testing.assert_allclose(np.diff(dataset["time"]), 1 / dataset.attrs["fps"])
    assert not dataset["confidence"].isnull().any()
    assert (dataset["confidence"].values[~harvest.supported.transpose(0, 2, 1)] == 0).all()


def test_positions_lie_at_their_labels_and_frames_without_anybody_are_nan(tmp_path: Path) -> None:
    harvest = Harvest.open(write_harvest(tmp_path / "h", make_records((4, 8, 16), (0, 3))).path)
    dataset = harvest.to_xarray()
    assert dataset.attrs["fps"] == 50 / 4
    assert len(dataset["time"]) == 4
    for record in harvest.iter_frames():
        place = {"time": record.time_s, "individuals": f"person_{record.person}", "keypoints": "pelvis"}
        at = dataset["position"].sel(place, method=None if record.frame else "nearest")
        assert at.values.tolist() == record.mean[harvest.skeleton.index("pelvis")].tolist()
    assert dataset["position"].isel(time=2).isnull().all()


def test_confidence_is_the_chance_that_sampled_errors_have(tmp_path: Path) -> None:
    """A second way: errors drawn from a normal distribution, counted."""
    harvest = Harvest.open(write_walk(tmp_path / "h", Recipe(num_frames=3, pictured=())).path)
    dataset = harvest.to_xarray(within_mm=20.0)
    errors = np.random.default_rng(1).normal(size=(200_000, 3))
    lengths: NDArray[np.float64] = np.linalg.norm(errors, axis=1)
    sigmas, chances = dataset["sigma"].values.ravel(), dataset["confidence"].values.ravel()
    counted = [(lengths * sigma <= 20.0).mean() for sigma in sigmas]
    np.testing.assert_allclose(chances, counted, atol=0.005)
    assert chances.min() < 0.8 < chances.max() <= 1


def test_smooth_positions_fill_short_gaps(tmp_path: Path) -> None:
    records = make_records([frame for frame in range(12) if frame != 6])
    harvest = Harvest.open(write_harvest(tmp_path / "h", records, motion=MotionOptions(0.1)).path)
    raw, smooth = harvest.to_xarray()["position"], harvest.to_xarray(smooth=True)["position"]
    assert raw.isel(time=6).isnull().all()
    assert smooth.isel(time=6).sel(keypoints="pelvis").notnull().all()
    (pose,) = harvest.filled_poses()
    np.testing.assert_array_equal(smooth.isel(time=6, individuals=0).values.T, pose.mean)


def test_it_survives_a_file(tmp_path: Path) -> None:
    dataset = Harvest.open(STRANGE["three people"](tmp_path / "h").path).to_xarray()
    dataset.to_netcdf(tmp_path / "poses.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "poses.nc", engine="scipy") as back:
        np.testing.assert_array_equal(back["position"], dataset["position"])
        assert back.attrs["fps"] == dataset.attrs["fps"]


@pytest.mark.parametrize("strange", STRANGE)
def test_movement_takes_it(strange: str, tmp_path: Path) -> None:
    pytest.importorskip("movement", reason="movement is not installed: pip install movement, in a venv of its own")
    from movement.filtering import filter_by_confidence
    from movement.kinematics import compute_velocity
    from movement.validators.datasets import ValidPosesInputs

    harvest = Harvest.open(STRANGE[strange](tmp_path / "h").path)
    dataset = harvest.to_xarray()
    ValidPosesInputs.validate(dataset)
    if len(dataset["time"]) > 1:
        speed = compute_velocity(dataset["position"])
        step = harvest.positions[2] - harvest.positions[0]
        np.testing.assert_allclose(speed.isel(time=1).values.T, step / (2 / dataset.attrs["fps"]), rtol=1e-9)
    kept = filter_by_confidence(dataset["position"], dataset["confidence"], threshold=0.9)
    assert int(kept.notnull().sum()) == 3 * int((dataset["confidence"] >= 0.9).sum())


@pytest.mark.parametrize("distance", [0.0, -1.0, math.nan])
def test_a_distance_that_is_none(distance: float, tmp_path: Path) -> None:
    harvest = Harvest.open(STRANGE["one frame"](tmp_path / "h").path)
    with pytest.raises(ConfigError, match="within_mm: expected a distance of more than 0, got"):
        harvest.to_xarray(within_mm=distance)
