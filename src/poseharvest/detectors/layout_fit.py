"""Which layout do the rows of keypoint files have? The one under which people look like people.

Under the right layout, joints that are neighbours in a body lie near each other: the eyes at the nose, the neck between
the shoulders, the toes at the ankle. The misfit of a person is the mean over the limbs of how much too long each is,
as a natural logarithm, both lengths relative to the person's extent in the picture and to that of an upright adult;
a limb that is too short does not count, for it may point at the camera. It is 0.0 to 0.3 for people who stand, sit,
lie, turn or are cut off at the hips, and 0.4 to 1.2 where rows are read under another layout. Left and right never
count, so mirrored footage is read as any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.detectors.keypoint_layouts import LAYOUTS
from poseharvest.errors import DetectorError
from poseharvest.findings import Finding
from poseharvest.skeleton.human import HUMAN_JOINTS, MIDDLES, human_skeleton
from poseharvest.skeleton.proportions import PLACES

MOST_MISFIT = 0.32
"""Median misfit over people up to which they are people of a layout."""

LEAST_MARGIN = 0.15
"""How much worse every other layout must fit."""

LEAST_AGREEING = 0.75
"""Share of the people whom no other layout may fit better."""

_CROSS_LIMBS = (
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
    ("left_shoulder", "left_hip"),
    ("right_shoulder", "right_hip"),
)
_SOFT = 0.05  # of the extent: errors of detectors do not count in limbs shorter than this
_SURE_SHARE = 0.3  # of the person's best score: joints below it are no evidence
_LEAST_JOINTS, _LEAST_LIMBS = 6, 5


@dataclass(frozen=True)
class Recognition:
    """How a layout was told.

    Attributes:
        layout: the name.
        misfit: of the layout.
        others: misfits of the other layouts of that many rows.
        num_people: people who told it.
    """

    layout: str
    misfit: float
    others: dict[str, float]
    num_people: int

    @property
    def finding(self) -> Finding:
        """What was taken, and how sure it is."""
        others = ", ".join(f"{name} {value:.2f}" for name, value in self.others.items())
        against = f"; {others}" if others else ""
        return Finding(
            "note",
            "keypoints",
            f"the rows of the keypoint files are read as {self.layout}, as {self.num_people} people tell (misfit "
            f"{self.misfit:.2f}, 0 fits{against}); layout= chooses another",
        )


def misfits(people: Tensor, joints: Sequence[str]) -> Tensor:
    """Return (N,) how badly people fit rows named `joints`; NaN where too little of somebody is seen to tell.

    Args:
        people: (N, K, 3) x, y, score; score 0 for a joint that was not found.
        joints: names of the K rows; rows in names that no person's tree has are left out.
    """
    rows = [joint for joint in dict.fromkeys(joints) if joint in HUMAN_JOINTS]
    skeleton = human_skeleton("rows", rows)
    index = [tuple(joints).index(joint) for joint in rows]
    points, scores = people[:, index, :2].double(), people[:, index, 2]
    sure = scores > _SURE_SHARE * scores.amax(1, keepdim=True)
    adult = torch.tensor([PLACES[joint] for joint in rows], dtype=torch.float64)
    extent = _extent(points, sure)
    adult_extent = _extent(adult.expand(len(people), -1, -1), sure)
    points, adult, known = _with_middles(points, sure, adult, rows, skeleton.joints)
    limbs = [(limb.parent, limb.child) for limb in skeleton.limbs]
    limbs += [pair for pair in _CROSS_LIMBS if {*pair} <= {*rows}]
    ends = torch.tensor([[skeleton.index(joint) for joint in limb] for limb in limbs])
    a, b = ends.unbind(1)
    length = (points[:, a] - points[:, b]).norm(dim=-1) / extent.unsqueeze(1)
    usual = (adult[a] - adult[b]).norm(dim=-1) / adult_extent.unsqueeze(1)
    excess = ((length + _SOFT) / (usual + _SOFT)).log().clamp_min(0.0)
    judged = known[:, a] & known[:, b]
    count = judged.sum(1)
    mean = torch.where(judged, excess, 0.0).sum(1) / count.clamp_min(1)
    enough = (count >= _LEAST_LIMBS) & (sure.sum(1) >= _LEAST_JOINTS) & torch.isfinite(mean)
    return torch.where(enough, mean, torch.nan)


def _extent(points: Tensor, sure: Tensor) -> Tensor:
    """Return (N,) the mean distance between two joints of a person."""
    pairs = (sure.unsqueeze(1) & sure.unsqueeze(2)).double()
    distance = torch.cdist(points, points) * pairs
    return distance.sum((1, 2)) / (pairs.sum((1, 2)) - sure.sum(1)).clamp_min(1)


def _with_middles(
    points: Tensor, sure: Tensor, adult: Tensor, rows: list[str], joints: tuple[str, ...]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return points, adult and what is known with the middles that the skeleton has and the rows lack."""
    for joint in joints[len(rows) :]:
        pair = [rows.index(side) for side in MIDDLES[joint]]
        points = torch.cat((points, points[:, pair].mean(1, keepdim=True)), 1)
        adult = torch.cat((adult, adult[pair].mean(0, keepdim=True)))
        sure = torch.cat((sure, sure[:, pair].all(1, keepdim=True)), 1)
    return points, adult, sure


def recognise_layout(people: Tensor, *, source: str) -> Recognition:
    """Return the layout of people (N, K, 3): the one of K rows under which they look like people.

    It must fit by itself, better than every other by a margin, and no more than a few of the people may look better
    under another.

    Raises:
        DetectorError: it cannot be told; the message says how well each fits, and asks for the option.
    """
    count = people.shape[1]
    fits = {name: misfits(people, joints) for name, joints in LAYOUTS.items() if len(joints) == count}
    medians = {name: float(values.nanmedian()) for name, values in fits.items()}
    ranked = sorted(medians, key=lambda name: (medians[name] != medians[name], medians[name]))
    if not ranked:
        raise _unknown(source, count, "no layout of ours has that many rows")
    best, others = ranked[0], ranked[1:]
    usable = torch.isfinite(fits[best])
    if not bool(usable.any()):
        raise _unknown(source, count, "too little is seen of everybody to check it")
    ranking = "misfit " + ", ".join(f"{name} {medians[name]:.2f}" for name in ranked) + ", where 0 fits"
    if not medians[best] <= MOST_MISFIT:
        raise _unknown(source, count, f"people look like people under none ({ranking})")
    for other in others:
        agree = float((~(fits[other] < fits[best]))[usable].double().mean())
        if not medians[other] >= medians[best] + LEAST_MARGIN or agree < LEAST_AGREEING:
            raise _unknown(source, count, f"{best} and {other} fit nearly alike ({ranking})")
    return Recognition(best, medians[best], {name: medians[name] for name in others}, int(usable.sum()))


def check_layout(people: Tensor, joints: tuple[str, ...], name: str) -> Finding | None:
    """Return a warning if people do not look like people under the rows that somebody named, None if they do.

    Args:
        people: (N, K, 3).
        joints: names of the K rows.
        name: of the layout, for the message.
    """
    if len({*joints} & {*HUMAN_JOINTS}) < _LEAST_JOINTS:
        return None
    misfit = float(misfits(people, joints).nanmedian())
    if not misfit > MOST_MISFIT:
        return None
    return Finding(
        "warning",
        "keypoints",
        f"people do not look like people under the rows of {name}: misfit {misfit:.2f}, expected at most "
        f"{MOST_MISFIT:.2f}: are the joints in another order? Check layout= and the names in the files",
    )


def _unknown(source: str, count: int, why: str) -> DetectorError:
    return DetectorError(
        f"{source}: people with {count} keypoints: cannot tell the layout; give layout= one of {', '.join(LAYOUTS)}, "
        f"or a layout file (.toml) that names the rows: {why}"
    )
