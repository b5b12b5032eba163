"""The options of a calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

from poseharvest.errors import ConfigError

LensModel = Literal["auto", "k1", "radial", "full", "fisheye"]
"""What is estimated of a lens: "k1" one focal length, the principal point and k1; "radial" also k2; "full" two focal
lengths, the principal point, k1 k2 p1 p2 k3; "auto" is "radial", and "k1" for a camera with few pictures.
"fisheye" is Kannala and Brandt's model as OpenCV has it: two focal lengths, the principal point, k1 k2 k3 k4."""


@dataclass(frozen=True)
class CalibrationOptions:
    """The options of a calibration.

    Attributes:
        lens: what is estimated of every lens, if intrinsics are not given.
        lens_of: by name of the camera, what is estimated of its lens instead.
        max_moments: moments that enter the adjustment; more are thinned out evenly.
        corner_sigma_px: what a corner is off by in a good picture, pixels. It weighs the weak expectations of a lens.
        min_shared: pictures of one moment in which two cameras must agree on the board to count as connected.

    Raises:
        ConfigError: a value is out of its range.
    """

    lens: LensModel = "auto"
    lens_of: Mapping[str, LensModel] = field(default_factory=dict)
    max_moments: int = 120
    corner_sigma_px: float = 0.3
    min_shared: int = 4

    def __post_init__(self) -> None:
        for lens in (self.lens, *self.lens_of.values()):
            if lens not in get_args(LensModel):
                raise ConfigError(f'lens: expected {", ".join(get_args(LensModel))}, got "{lens}"')
        for name, least in (("max_moments", 5), ("min_shared", 2)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name}: expected {least} or more, got {getattr(self, name)}")
        if not self.corner_sigma_px > 0:
            raise ConfigError(f"corner_sigma_px: expected more than 0, got {self.corner_sigma_px}")

    @classmethod
    def of_lenses(cls, words: Sequence[str]) -> CalibrationOptions:
        """Return the options of words such as "fisheye", for all cameras, and "cam2=fisheye", for one.

        Raises:
            ConfigError: a word is no lens, or there are two for all cameras or for one.
        """
        chosen: dict[str, str] = {}
        for word in words:
            name, _, lens = word.rpartition("=")
            if name in chosen:
                raise ConfigError(f"lens: expected one for {name or 'all cameras'}, got {chosen[name]} and {lens}")
            chosen[name] = lens
        common = cast(LensModel, chosen.pop("", cls.lens))
        return cls(common, cast("dict[str, LensModel]", chosen))

    def lens_of_views(self, views: Sequence[str]) -> list[LensModel]:
        """Return what is estimated of the lens of each view.

        Raises:
            ConfigError: there is no camera of a name.
        """
        unknown = [name for name in self.lens_of if name not in views]
        if unknown:
            raise ConfigError(f'lens: expected cameras among {", ".join(views)}, got "{unknown[0]}"')
        return [self.lens_of.get(name, self.lens) for name in views]
