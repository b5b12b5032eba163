"""Options by topic: in the help of a command with many options each stands in the panel of its topic."""

from __future__ import annotations

from typing import Final

from typer.core import TyperCommand

MANY: Final = 12
"""From how many options on a command's help has panels."""

PANELS: Final = {
    "Footage and calibration": (
        *(
            "data",
            "capture",
            "calibration",
            "unit",
            "views",
            "rotate",
            "scale",
            "frame_rate",
            "start",
            "stop",
            "sync",
            "refine_cameras",
        ),
        *("frames", "frame_step", "cameras", "images", "sequence", "view", "leave_out"),
    ),
    "Detector": (
        *("detector", "weights", "detector_option", "device", "skeleton", "layout"),
        *("network", "stacks", "features", "stem", "input_px"),
    ),
    "People": (
        "people",
        "follow",
        "hands",
        "boxes",
        "limb_lengths",
        "person",
        "moments",
        "subjects",
        "actions",
        "root_depth_mm",
    ),
    "3D inference": (
        *(
            "estimate",
            "inference",
            "resolution",
            "refine",
            "tolerance_mm",
            "floor",
            "height_power",
            "sharpen",
            "neglect",
        ),
        "authors_setting",
    ),
    "Selection and uncertainty": (
        *("share", "limit", "measure", "recalibration", "labels", "all_joints", "weighted", "no_reviews"),
    ),
    "Training": (
        *("epochs", "epochs_3d", "rounds", "batch_size", "learning_rate", "schedule", "warm_up_steps", "sigma_px"),
        *(
            "rotation_deg",
            "colour",
            "frozen_norms",
            "distillation",
            "held_out",
            "teach_share",
            "max_pictures",
            "loaders",
            "workers",
        ),
        *("seed", "seeds"),
    ),
    "Pictures to learn from": (
        *("annotations", "dataset", "validation", "world", "pictures", "validation_pictures", "drawn"),
    ),
    "The board": (
        *(
            "board",
            "squares",
            "square_mm",
            "marker_mm",
            "dictionary",
            "inverted",
            "legacy",
            "print_board",
            "paper",
            "dpi",
        ),
    ),
    "People in place of a board": ("from_people", "height", "limb", "camera_distance"),
    "The lens and the world": (
        "intrinsics",
        "lens",
        "floor_board",
        "floor_footage",
        "scene_points",
        "every",
        "keep_faulty",
    ),
    "OpenSim": ("model", "setups", "marker_weights", "mass_kg"),
    "The run": (
        *(
            "out",
            "keep_cameras",
            "strict",
            "ignore_audit",
            "ray",
            "resume",
            "overwrite",
            "config",
            "help",
            "format",
            "overlays",
            "report_pictures",
            "film_pixels",
        ),
    ),
}
"""Topic -> names of parameters, of any command."""


def sort_into_panels(command: TyperCommand) -> None:
    """Give each option of a command with many of them the panel of its topic; others stay under "Options"."""
    if len(command.params) < MANY:
        return
    topics = {name: topic for topic, names in PANELS.items() for name in names}
    for parameter in command.params:
        if not hasattr(parameter, "rich_help_panel") or not any(flag.startswith("-") for flag in parameter.opts):
            continue
        parameter.rich_help_panel = topics.get(str(parameter.name), parameter.rich_help_panel)
