"""NetCDF: the data set of `movement_dataset` in one file, which xarray, movement, R and MATLAB read.

It is written as NetCDF 3 with 64-bit offsets, which SciPy writes and every NetCDF library reads. The whole harvest is
held as arrays. A variable of such a file takes less than 2 GiB.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.exporter import Exporter
from poseharvest.export.movement_dataset import movement_dataset
from poseharvest.export.trajectories import NOT_SMOOTH
from poseharvest.findings import Finding

if TYPE_CHECKING:
    from xarray import Dataset

_LARGEST_VARIABLE_BYTES: Final = 2**31 - 4


@dataclass(frozen=True)
class NetcdfOptions:
    """How to write NetCDF.

    Attributes:
        smooth: write positions smoothed over time, with short gaps filled; otherwise those of each frame alone.
        within_mm: confidence is the chance that a joint lies within this distance of its position, by its sigma.
    """

    smooth: bool = True
    within_mm: float = 30.0

    def __post_init__(self) -> None:
        if not self.within_mm > 0:
            raise ConfigError(f"within_mm: expected a distance of more than 0, got {self.within_mm}")


def write_netcdf(harvest: Harvest, path: Path, options: NetcdfOptions) -> tuple[Finding, ...]:
    """Write the poses of all people as one NetCDF file.

    Returns:
        That there are no smooth positions, where they were asked for.

    Raises:
        ConfigError: xarray is missing, or the harvest is too large for such a file.
    """
    is_smooth = options.smooth and harvest.info.motion is not None
    dataset = movement_dataset(harvest, smooth=is_smooth, within_mm=options.within_mm)
    check_size(dataset)
    dataset.to_netcdf(path, engine="scipy", format="NETCDF3_64BIT")
    return (NOT_SMOOTH,) if options.smooth and not is_smooth else ()


def check_size(dataset: Dataset, largest_bytes: int = _LARGEST_VARIABLE_BYTES) -> None:
    """Check that every variable fits into the file.

    Raises:
        ConfigError: one does not.
    """
    for name, variable in dataset.variables.items():
        if variable.nbytes > largest_bytes:
            raise ConfigError(
                f"NetCDF: expected at most {largest_bytes} bytes of each variable, got {variable.nbytes} of {name}: "
                "export as csv, or read the harvest's Parquet files"
            )


EXPORTER = Exporter(
    name="netcdf",
    description="3D poses of all people for xarray and movement, with confidence and sigma, a NetCDF file",
    options=NetcdfOptions,
    write=write_netcdf,
)
