"""Names of Human3.6M: the joint of each row of its poses, and the names of its recordings.

The poses have 32 rows, many of them duplicates; 17 are in use. Rows 1 to 3 are the *right* leg and 6 to 8 the left, but
17 to 19 are the *left* arm and 25 to 27 the right. The authors of the paper keep the 17 with the left leg first. Their
map to MPII, 1-based [7,6,5,2,3,4,1,9,10,11,17,16,15,12,13,14], is valid only for that order; it would swap the legs of
`h36m17`. Here joints have names, so `Conversion(H36M17, MPII16)` gives the same result.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from poseharvest.skeleton.definitions import H36M17

NUM_ROWS = 32
FRAME_RATE = 50.0

CAMERAS = ("54138969", "55011271", "58860488", "60457274")

ROW_OF_JOINT = MappingProxyType({
    "pelvis": 0,
    "right_hip": 1,
    "right_knee": 2,
    "right_ankle": 3,
    "left_hip": 6,
    "left_knee": 7,
    "left_ankle": 8,
    "spine": 12,
    "thorax": 13,
    "neck_base": 14,
    "head_top": 15,
    "left_shoulder": 17,
    "left_elbow": 18,
    "left_wrist": 19,
    "right_shoulder": 25,
    "right_elbow": 26,
    "right_wrist": 27,
})
"""The index of each joint among the 32 rows."""

ROWS = tuple(ROW_OF_JOINT[joint] for joint in H36M17.joints)
"""For every joint of `h36m17`, its index among the 32 rows."""

AUTHORS_JOINTS = (
    "pelvis",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_hip",
    "right_knee",
    "right_ankle",
    "spine",
    "thorax",
    "neck_base",
    "head_top",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
)
"""The order of the 17 joints in the annotations that the authors of the paper distribute: the left leg first."""

AUTHORS_ROWS = tuple(AUTHORS_JOINTS.index(joint) for joint in H36M17.joints)
"""For every joint of `h36m17`, its index in the order of the authors."""

_SAME_ACTION = MappingProxyType({"TakingPhoto": "Photo", "WalkingDog": "WalkDog"})

_DRIFT = "its markers drifted: the truth lies beside the person; papers often leave it out"
DAMAGE = MappingProxyType({
    "S11/Directions": "the video of camera 54138969 is cut off in the original distribution",
    "S9/Greeting-2": _DRIFT,
    "S9/SittingDown-2": _DRIFT,
    "S9/Waiting-1": _DRIFT,
})
"""Faulty recordings, by name. For second takes, only the names of h36m-fetch are known."""


def action_of(take: str) -> str:
    """Return the action of a take, with its name in papers.

    >>> action_of("TakingPhoto 1"), action_of("WalkDog-2"), action_of("Posing_1")
    ('Photo', 'WalkDog', 'Posing')
    """
    action = re.sub(r"[ _-]\d+$", "", take)
    return _SAME_ACTION.get(action, action)
