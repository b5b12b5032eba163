"""The numbers of the paper's Tables 1 to 5, as they are printed there: to stand beside ours, never to test us by.

Pavlakos, Zhou, Derpanis and Daniilidis, "Harvesting Multiple Views for Marker-less 3D Human Pose Annotations", CVPR
2017. Column titles give the paper's reference number and the authors. An entry that the paper leaves empty is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from poseharvest.tables.result import PaperColumn

AVERAGE: Final = "Average"
AVERAGE_6: Final = "Average (6 actions)"
AVERAGE_15: Final = "Average (15 actions)"

PART_ROWS: Final = ("Upper arms", "Lower arms", "Upper legs", "Lower legs", AVERAGE)
"""Rows of Tables 1 and 3; the last is the mean of the four above."""

ACTIONS: Final = (
    "Directions",
    "Discussion",
    "Eating",
    "Greeting",
    "Phoning",
    "Photo",
    "Posing",
    "Purchases",
    "Sitting",
    "SittingDown",
    "Smoking",
    "Waiting",
    "WalkDog",
    "Walking",
    "WalkTogether",
)
"""The actions of Human3.6M in the order of Table 2."""

SIX_ACTIONS: Final = ("Discussion", "Eating", "Greeting", "Photo", "WalkDog", "Walking")
"""Those of "6 actions" in Table 5: with them alone the means of [38] and [46] in Table 2 are those of Table 5."""

HARD_ACTIONS: Final = ("Purchases", "Sitting", "SittingDown")
"""Those of Table 4, "the three actions with the highest error"."""


def _column(title: str, rows: Sequence[str], values: Sequence[float | None]) -> PaperColumn:
    known = {row: value for row, value in zip(rows, values, strict=True) if value is not None}
    return PaperColumn(title, MappingProxyType(known))


def _parts(title: str, *values: float) -> PaperColumn:
    return _column(title, PART_ROWS, values)


TABLE_1: Mapping[str, tuple[PaperColumn, ...]] = MappingProxyType({
    "two cameras": (
        _parts("[9] Burenius", 53, 28, 88, 82, 62.7),
        _parts("[4] Belagiannis 2014", 64, 50, 75, 66, 63.8),
        _parts("[5] Belagiannis 2015", 96, 68, 98, 88, 87.5),
        _parts("paper", 98, 92, 99, 97, 96.5),
    ),
    "three cameras": (
        _parts("[9] Burenius", 60, 35, 100, 90, 71.2),
        _parts("[22] Kazemi", 89, 68, 100, 99, 89.0),
        _parts("[4] Belagiannis 2014", 68, 56, 78, 70, 68.0),
        _parts("[5] Belagiannis 2015", 98, 72, 99, 92, 90.3),
        _parts("paper", 100, 100, 100, 100, 100),
    ),
})
"""Sec. 4.3, Table 1: KTH Multiview Football II, PCP in 3D, percent, by number of cameras."""

_ACTION_ROWS = (*ACTIONS, AVERAGE)

TABLE_2: tuple[PaperColumn, ...] = (
    _column(
        "[25] Li",
        _ACTION_ROWS,
        (None, 134.13, 97.37, 122.33, None, 166.15, None, None, None, None, None, None, 134.13, 68.51, None, None),
    ),
    _column(
        "[47] Zhou, video",
        _ACTION_ROWS,
        (
            *(87.36, 109.31, 87.05, 103.16, 116.18, 143.32, 106.88, 99.78),
            *(124.52, 199.23, 107.42, 118.09, 114.23, 79.39, 97.70, 113.01),
        ),
    ),
    _column(
        "[38] Tekin",
        _ACTION_ROWS,
        (None, 129.06, 91.43, 121.68, None, 162.17, None, None, None, None, None, None, 130.53, 65.75, None, None),
    ),
    _column(
        "[46] Zhou",
        _ACTION_ROWS,
        (
            *(91.83, 102.41, 96.95, 98.75, 113.35, 125.22, 90.04, 93.84),
            *(132.16, 158.97, 106.91, 94.41, 126.04, 79.02, 98.96, 107.26),
        ),
    ),
    _column(
        "paper",
        _ACTION_ROWS,
        (
            *(41.18, 49.19, 42.79, 43.44, 55.62, 46.91, 40.33, 63.68),
            *(97.56, 119.90, 52.12, 42.68, 51.93, 41.79, 39.37, 56.89),
        ),
    ),
)
"""Sec. 4.3, Table 2: Human3.6M, average 3D joint error, mm.

The average of [46] is the mean of its column. The paper's own, 56.89, is not (55.23), and neither is that of [47]
(112.91): they are weighted by something, frames presumably.
"""

TABLE_3: Mapping[str, tuple[PaperColumn, ...]] = MappingProxyType({
    "Sequence 1": (_parts("paper, generic", 98, 89, 98, 96, 95.3), _parts("paper, refined", 100, 92, 100, 100, 98.0)),
    "Sequence 2": (_parts("paper, generic", 80, 64, 85, 79, 77.0), _parts("paper, refined", 89, 74, 91, 86, 84.5)),
})
"""Sec. 4.4, Table 3: KTH Multiview Football II, Player 2, PCP in 2D, percent, by sequence.

The printed average of the refined network on Sequence 2, 84.5, is not the mean of its four rows, 85.0.
"""

TABLE_4_ROWS: Final = (*HARD_ACTIONS, AVERAGE_15)

TABLE_4: tuple[PaperColumn, ...] = tuple(
    _column(f"paper, {labels}", TABLE_4_ROWS, values)
    for labels, values in {
        "Generic": (63.68, 97.56, 119.90, 56.89),
        "HM": (57.57, 86.37, 100.39, 55.13),
        "HM+sel": (52.50, 91.49, 110.30, 55.62),
        "PS": (51.32, 79.39, 97.26, 51.18),
        "PS+sel": (45.98, 68.09, 73.91, 47.83),
    }.items()
)
"""Sec. 4.4, Table 4: Human3.6M, multi-view error after fine-tuning on different labels, mm."""

TABLE_5_ROWS: Final = (AVERAGE_6, AVERAGE_15)

TABLE_5: tuple[PaperColumn, ...] = (
    _column("[25] Li", TABLE_5_ROWS, (121.31, None)),
    _column("[38] Tekin", TABLE_5_ROWS, (116.77, None)),
    _column("[28] Park", TABLE_5_ROWS, (111.12, 117.34)),
    _column("[46] Zhou", TABLE_5_ROWS, (104.73, 107.26)),
    _column("[34] Rogez", TABLE_5_ROWS, (None, 121.2)),
    _column("paper", TABLE_5_ROWS, (113.65, 118.41)),
)
"""Sec. 4.5, Table 5: Human3.6M, single pictures, mm; the others learned from the true poses, the paper did not."""
