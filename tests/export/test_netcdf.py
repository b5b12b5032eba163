"""A NetCDF file holds the harvest's poses, as xarray and as SciPy's own reader see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import netcdf_file

from export_kit import STRANGE
from harvest_kit import make_records, write_harvest
from poseharvest import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.netcdf import NetcdfOptions, check_size, write_netcdf
from poseharvest.export.trajectories import NOT_SMOOTH
from poseharvest.motion import MotionOptions
from walker_kit import Recipe, write_walk

xarray = pytest.importorskip("xarray")


@pytest.mark.parametrize("strange", STRANGE)
def test_what_is_written_reads_back(strange: str, tmp_path: Path) -> None:
    harvest = Harvest.open(STRANGE[strange](tmp_path / "h").path)
    write_netcdf(harvest, tmp_path / "poses.nc", NetcdfOptions(smooth=False))
    with xarray.open_dataset(tmp_path / "poses.nc", engine="scipy") as found:
        expected = harvest.to_xarray()
        xarray.testing.assert_equal(found.load(), expected)
        assert found.attrs == expected.attrs
        assert found["position"].attrs["units"] == "mm"


def test_another_reader_sees_the_same_numbers(tmp_path: Path) -> None:
    recipe = Recipe(num_frames=12, pictured=(0,), num_persons=2, motion=MotionOptions())
    harvest = Harvest.open(write_walk(tmp_path / "h", recipe).path)
    assert write_netcdf(harvest, tmp_path / "poses.nc", NetcdfOptions()) == ()
    with netcdf_file(tmp_path / "poses.nc", mmap=False) as file:
        positions = file.variables["position"][:]  # time, space, keypoints, individuals
        assert b"".join(file.variables["space"][:].ravel()).split(b"\0")[0].startswith(b"xyz")
        assert file.ds_type == b"poses"
        assert float(file.fps) == harvest.info.capture.frame_rate
    np.testing.assert_array_equal(positions.transpose(0, 3, 2, 1), harvest.smooth_positions)


def test_raw_positions_in_place_of_smooth_ones_are_said(tmp_path: Path) -> None:
    harvest = Harvest.open(write_harvest(tmp_path / "h", make_records((0, 1, 3))).path)
    assert harvest.info.motion is None
    assert write_netcdf(harvest, tmp_path / "poses.nc", NetcdfOptions()) == (NOT_SMOOTH,)
    with xarray.open_dataset(tmp_path / "poses.nc", engine="scipy") as found:
        assert np.isnan(found["position"].values).all(axis=(1, 2, 3)).tolist() == [False, False, True, False]


def test_what_the_format_cannot_hold_is_refused(tmp_path: Path) -> None:
    dataset = Harvest.open(write_harvest(tmp_path / "h", make_records(range(3))).path).to_xarray()
    size = dataset["position"].nbytes
    check_size(dataset, largest_bytes=size)
    with pytest.raises(ConfigError, match=rf"NetCDF: expected at most {size - 1} bytes .*, got {size} of position"):
        check_size(dataset, largest_bytes=size - 1)


def test_a_distance_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="within_mm: expected a distance of more than 0, got 0"):
        NetcdfOptions(within_mm=0)
