"""A harvest as an xarray data set in the convention of `movement`, the toolbox for the motion of animals and people.

A data set of poses there has the dimensions `time`, `space`, `keypoints` and `individuals`, in this order, the
variables `position` and `confidence`, and the attributes `fps`, `time_unit`, `source_software` and `ds_type`. Times are
in seconds and evenly spaced. We add `sigma` (mm) and `selected`. Positions are in mm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from poseharvest.annotations import dense_arrays as dense
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError

if TYPE_CHECKING:
    from xarray import Dataset

_OF_JOINTS = ("time", "keypoints", "individuals")


def movement_dataset(harvest: Harvest, *, smooth: bool = False, within_mm: float = 30.0) -> Dataset:
    """Return all poses of a harvest from its first frame to its last; NaN where a joint is not known.

    Args:
        harvest: the harvest.
        smooth: the positions that are smoothed over time, with short gaps filled.
        within_mm: `confidence` is the chance that the joint lies within this distance of its position, by a normal
            distribution with its sigma along every axis; 0 where it is not known.

    Raises:
        ConfigError: xarray is not installed, or the distance is not positive.
    """
    try:
        import xarray
    except ImportError as error:
        raise ConfigError("to_xarray: needs xarray: pip install 'poseharvest[xarray]'") from error
    if not within_mm > 0:
        raise ConfigError(f"within_mm: expected a distance of more than 0, got {within_mm}")
    axes = dense.frames_and_people(harvest).evenly_spaced()
    positions, sigmas = dense.dense_poses(harvest, axes, smooth=smooth)
    variables = {
        "position": (("time", "space", *_OF_JOINTS[1:]), positions.transpose(0, 3, 2, 1), {"units": "mm"}),
        "confidence": (_OF_JOINTS, _by_joint(dense.chance_within(within_mm, sigmas)), {"within_mm": within_mm}),
        "sigma": (_OF_JOINTS, _by_joint(sigmas), {"units": "mm"}),
        "selected": (_OF_JOINTS, _by_joint(dense.dense_flags(harvest, axes, "selected"))),
    }
    places = {
        "time": axes.times_s,
        "space": ["x", "y", "z"],
        "keypoints": list(harvest.skeleton.joints),
        "individuals": [f"person_{person}" for person in axes.people],
    }
    return xarray.Dataset(variables, coords=places, attrs=_attributes(harvest, axes))


def _attributes(harvest: Harvest, axes: dense.FramesAndPeople) -> dict[str, Any]:
    step = int(axes.frames[1] - axes.frames[0]) if len(axes.frames) > 1 else 1
    return {
        "fps": harvest.info.capture.frame_rate / step,
        "time_unit": "seconds",
        "source_software": "poseharvest",
        "source_file": str(harvest.path),
        "ds_type": "poses",
    }


def _by_joint(values: NDArray[Any]) -> NDArray[Any]:
    """Return (F, P, J) as (F, J, P)."""
    return values.transpose(0, 2, 1)
