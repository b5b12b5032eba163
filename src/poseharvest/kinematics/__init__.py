"""Joint angles of a harvest: between the joints, and of an OpenSim model that is scaled and moved by them.

Start reading in `person_kinematics`, which makes both of one person. `joint_angles` defines the angles, `angle_track`
gives them with their uncertainties. `setups` finds OpenSim's files, `opensim_job` asks OpenSim in a process of its own,
`opensim_process`. `angle_tables` and `kinematics_record` write what came of it.

It never changes a harvest, draws nothing, and holds no model of OpenSim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.kinematics.angle_track import AngleTrack, angles_over_time
    from poseharvest.kinematics.joint_angles import JointAngle, angles_of
    from poseharvest.kinematics.kinematics_options import KinematicsOptions
    from poseharvest.kinematics.person_kinematics import PersonKinematics, solve_person
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = [
    "AngleTrack",
    "JointAngle",
    "KinematicsOptions",
    "PersonKinematics",
    "angles_of",
    "angles_over_time",
    "solve_person",
]
