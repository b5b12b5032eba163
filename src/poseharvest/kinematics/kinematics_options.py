"""How joint angles are made of a harvest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from poseharvest.errors import ConfigError
from poseharvest.export.export_options import Blank, check_choice, check_frames

Upward: TypeAlias = Literal["auto", "x", "-x", "y", "-y", "z", "-z"]
Weights: TypeAlias = Literal["uncertainty", "setup"]


@dataclass(frozen=True)
class KinematicsOptions:
    """How joint angles are made of a harvest.

    Attributes:
        model: OpenSim's model, an .osim file; None for the one of the set-ups. Alone, it is taken as scaled before.
        setups: a folder of OpenSim set-ups as Pose2Sim has them, with Markers_X.xml, Scaling_Setup_X.xml and
            IK_Setup_X.xml.
        marker_weights: weights of markers in the inverse kinematics: by their "uncertainty", or those of the "setup".
        mass_kg: mass of the person in kg; None for that of the scaling set-up.
        person: whom to take; None for everyone.
        start: the capture's first frame to take, from 0.
        stop: the frame before which to stop; None is the end of the capture.
        up: the world's axis that points up; "auto" goes by the body and the cameras.
        smooth: take positions smoothed over time, with short gaps filled; otherwise those of each frame alone.
    """

    model: Path | None = None
    setups: Path | None = None
    marker_weights: Weights = "uncertainty"
    mass_kg: float | None = None
    person: int | None = None
    start: int = 0
    stop: int | None = None
    up: Upward = "auto"
    smooth: bool = True

    def __post_init__(self) -> None:
        check_choice("marker_weights", self.marker_weights, get_args(Weights))
        check_choice("up", self.up, get_args(Upward))
        check_frames(self.start, self.stop)
        if self.mass_kg is not None and not 0 < self.mass_kg < 1000:
            raise ConfigError(f"mass_kg: expected a mass of a person in kg, got {self.mass_kg:g}")

    @property
    def uses_opensim(self) -> bool:
        """Whether OpenSim is asked as well."""
        return self.model is not None or self.setups is not None

    @property
    def blank(self) -> Blank:
        """Joints without a position: those that no camera sees."""
        return "unsupported"

    @property
    def constant_limbs(self) -> bool:
        """Positions are taken as they are."""
        return False
