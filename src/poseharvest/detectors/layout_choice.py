"""The layout and the skeleton that a folder of keypoint files is read with: told, named in the files, or recognised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.detectors.keypoint_layouts import LAYOUTS, LayoutMap, layout_of, map_layout, natural_skeleton
from poseharvest.detectors.layout_file import NamedLayout, choose_layout
from poseharvest.detectors.layout_fit import check_layout, recognise_layout
from poseharvest.errors import DetectorError
from poseharvest.findings import Finding
from poseharvest.skeleton.hands import HAND_JOINTS
from poseharvest.skeleton.human import HUMAN_JOINTS
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.skeleton.skeleton_file import choose_skeleton, is_skeleton_file

_LISTED = 8


@dataclass(frozen=True)
class ChosenLayout:
    """How the rows of some keypoint files are read.

    Attributes:
        rows: their names.
        map: to the joints of the skeleton.
        findings: what was taken, and what is odd about it.
    """

    rows: tuple[str, ...]
    map: LayoutMap
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class LayoutWish:
    """What is said of the rows of some files, each part if anything is said.

    Attributes:
        layout: what the user asked for: one of LAYOUTS, or a layout file.
        skeleton: what the user asked for: a built-in one, or a skeleton file. The file names the rows if they are as
            many as its joints, and nothing else names them.
        joints: names of the rows in the files.
    """

    layout: str | None = None
    skeleton: str | None = None
    joints: tuple[str, ...] | None = None


def choose_rows(wish: LayoutWish, people: Sequence[Tensor], *, source: str) -> ChosenLayout:
    """Return how the rows are read: as the user says, as the files say, or as people (K, 3) tell, in this order.

    Whatever was said is checked against the people too.

    Args:
        wish: what is said.
        people: some of those in the files, from all views and from moments spread over the take.
        source: of the files, for messages.

    Raises:
        DetectorError: the layout is unknown or cannot be told, or does not fill the skeleton.
        FormatError: a layout or skeleton file is damaged.
        SkeletonError: there is no such skeleton.
    """
    alike = _alike(people)
    wanted = choose_skeleton(wish.skeleton) if wish.skeleton else None
    named, findings = _named(wish, wanted, alike, source)
    layout_map = map_layout(named.rows, wanted or named.skeleton, source=source)
    return ChosenLayout(named.rows, layout_map, (*findings, *_left_out(named, layout_map)))


def _named(
    wish: LayoutWish, wanted: Skeleton | None, people: Tensor | None, source: str
) -> tuple[NamedLayout, list[Finding]]:
    """Return the layout of people (N, K, 3) and what to know of it; told unless something names the rows."""
    named = _said(wish, wanted, people, source)
    if named is None:
        if people is None:
            raise DetectorError(
                f"{source}: nobody in any view, so that the layout cannot be told: give layout= one of "
                f"{', '.join(LAYOUTS)}, or a layout file (.toml)"
            )
        recognised = recognise_layout(people, source=source)
        return choose_layout(recognised.layout, source=source), [recognised.finding]
    if people is None:
        return named, []
    _check_number(people, named, source)
    odd = check_layout(people, named.rows, named.name)
    return named, [] if odd is None else [odd]


def _alike(people: Sequence[Tensor]) -> Tensor | None:
    """Return (N, K, 3) of those who have the commonest number of rows."""
    if not people:
        return None
    count, _ = Counter(len(person) for person in people).most_common(1)[0]
    return torch.stack([person for person in people if len(person) == count])


def _said(wish: LayoutWish, wanted: Skeleton | None, people: Tensor | None, source: str) -> NamedLayout | None:
    """Return the layout by the user, by the files, or by a skeleton file with as many joints as the files have rows."""
    if wish.layout is not None:
        return choose_layout(wish.layout, source=source)
    if wish.joints is not None:
        if wanted is None and not {*wish.joints} & {*HUMAN_JOINTS}:
            listed = ", ".join(wish.joints[:_LISTED]) + (", ..." if len(wish.joints) > _LISTED else "")
            raise DetectorError(
                f"{source}: the files name points that are no joints of a person ({listed}): give layout=, a layout "
                "file (.toml) with limbs (docs/detectors.md)"
            )
        name = layout_of(wish.joints) or "the files' own names"
        return NamedLayout(name, wish.joints, wanted or natural_skeleton(wish.joints))
    if wanted is None or not is_skeleton_file(wish.skeleton or ""):
        return None
    if people is not None and people.shape[1] != len(wanted):
        return None
    return NamedLayout(wanted.name, wanted.joints, wanted)


def _check_number(people: Tensor, named: NamedLayout, source: str) -> None:
    if people.shape[1] != len(named.rows):
        raise DetectorError(
            f"{source}: layout {named.name}: expected {len(named.rows)} keypoints a person, got {people.shape[1]}: "
            "leave layout= out to have it recognised"
        )


def _left_out(named: NamedLayout, layout_map: LayoutMap) -> list[Finding]:
    """Return a note on the rows that no joint of the skeleton takes."""
    used = {row for rows in layout_map.rows for row in rows}
    left = [joint for row, joint in enumerate(named.rows) if row not in used and joint]
    if not left:
        return []
    listed = ", ".join(left[:_LISTED]) + (", ..." if len(left) > _LISTED else "")
    message = f"{len(left)} rows of {named.name} are no joints of skeleton {layout_map.skeleton.name} and are left out"
    message += "; --hands takes those of hands" if {*left} & {*HAND_JOINTS} else ""
    return [Finding("note", "keypoints", f"{message}: {listed}")]
