"""What may be written for a detector, and a line of each for help texts: none of them is imported for that."""

from __future__ import annotations

from poseharvest.module_records import stated_records

MODULES = (
    "efficientpose",
    "hourglass",
    "vitpose",
    "onnx",
    "onnx_alone",
    "keypoints",
)
"""The modules of detectors, each with its record as `DETECTOR`. A path is of the first that recognises it."""

PUBLISHED_NAMES = (
    "rtmpose-s",
    "rtmpose-m",
    "rtmpose-l",
    "rtmpose-s-halpe26",
    "rtmpose-m-halpe26",
    "rtmpose-l-halpe26",
    "rtmw-m",
    "rtmw-l",
)
"""The models of `published_models`."""

PUBLISHED_DESCRIPTION = "RTMPose (17 joints, or 26 with feet) and RTMW (body and feet of 133), downloaded once"

WEIGHTS_SUFFIX = ".safetensors"
OWN_WEIGHTS = f"FILE{WEIGHTS_SUFFIX}"
OWN_WEIGHTS_DESCRIPTION = "weights of one of these networks, trained further"


def describe_detectors(*, named_only: bool = False) -> str:
    """Return what may be written for a detector, with the description of each, as the end of a help text.

    Args:
        named_only: leave out those for which a path stands, which cannot be trained.
    """
    records = stated_records("poseharvest.detectors", MODULES, "DETECTOR")
    shown = [record for record in records if not (named_only and record.get("path_form"))]
    lines = [f"{record.get('path_form') or record['name']}: {record['description']}." for record in shown]
    if not named_only:
        lines.append(f"{', '.join(PUBLISHED_NAMES)}: {PUBLISHED_DESCRIPTION}.")
    return " ".join([*lines, f"{OWN_WEIGHTS}: {OWN_WEIGHTS_DESCRIPTION}."])
