"""What the paper judges and how (Sec. 4.1), and what it leaves open and we had to choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from poseharvest.evaluation.alignment import Alignment
from poseharvest.evaluation.pcp import LIMB_PARTS, Part, PcpOptions
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.skeleton import Skeleton


@dataclass(frozen=True)
class FootballProtocol:
    """KTH Multiview Football II (Sec. 4.1, Tables 1 and 3)."""

    player: str = "player2"
    """Who is judged; as the reader names subjects."""

    num_cameras: int = 3
    """Of the data set."""

    parts: tuple[Part, ...] = LIMB_PARTS
    """Upper and lower arms and legs; the rows of the tables hold both sides."""

    rules: tuple[PcpOptions, ...] = (PcpOptions(0.5, "strict"), PcpOptions(0.5, "average"))
    """The paper does not say which rule its PCP has. Strict is that of the data set's authors [9]: both ends within
    half of the part's length. Average, the mean of both ends, is that of [4] and [5]. Both are printed."""


@dataclass(frozen=True)
class Human36mProtocol:
    """Human3.6M (Sec. 4.1, Tables 2, 4 and 5)."""

    test_subjects: tuple[str, ...] = ("S9", "S11")
    """Sec. 4.1: those of [25, 47]."""

    train_subjects: tuple[str, ...] = ("S1", "S5", "S6", "S7", "S8")
    """Those of [25, 47], whose footage the 3D network of Sec. 4.5 learns from, without their true poses."""

    skeleton: Skeleton = MPII16
    """The joints that are judged: the 16 of the authors' code, its `upper_neck` being Human3.6M's joint above the
    thorax."""

    alignments: tuple[Alignment, ...] = (Alignment("centroid"), Alignment("none"))
    """The paper does not say; the authors' code moves the mean of the joints onto the true one. The error in the world
    as it is stands beside it."""

    single_view_alignments: tuple[Alignment, ...] = (
        Alignment("centroid"),
        Alignment("root", root="pelvis"),
        Alignment("procrustes"),
    )
    """Of Table 5. A single picture gives no place in the world, so that "none" is left out."""


FOOTBALL: Final = FootballProtocol()
HUMAN36M: Final = Human36mProtocol()
