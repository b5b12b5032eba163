"""The figure that a picture shows: solids around the points of a body, in its clothes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from poseharvest.studio.body_shapes import BodyShape
from poseharvest.studio.head import head_parts
from poseharvest.studio.kinematics import POINTS, Floats
from poseharvest.studio.paint import scaled
from poseharvest.studio.solids import Mark, Part, cross
from poseharvest.studio.wardrobe import Outfit

_UPPER_ARM = (47.0, 38.0)
_FOREARM = (40.0, 26.0)
_THIGH = (83.0, 56.0)
_CALF = (54.0, 52.0, 35.0)
_CALF_AT = 0.32  # of the shank's length


@dataclass(frozen=True, eq=False)
class Frame:
    """The directions of a part of the body in the world, unit vectors (3,).

    Attributes:
        forward: to its front.
        left: to the person's left.
        up: along it.
    """

    forward: Floats
    left: Floats
    up: Floats


@dataclass(frozen=True, eq=False)
class Dressed:
    """A person in clothes.

    Attributes:
        shape: the body.
        outfit: the clothes.
    """

    shape: BodyShape
    outfit: Outfit

    def parts(self, points: Floats) -> list[Part]:
        """Return the solids of the person at points (P, 3), mm in the world, as `kinematics.POINTS` orders them."""
        at = dict(zip(POINTS, points, strict=True))
        pelvis = frame(at["spine"] - at["pelvis"], at["left_hip"] - at["right_hip"])
        chest = frame(at["thorax"] - at["spine"], at["left_shoulder"] - at["right_shoulder"])
        parts = [*self._trunk(at, pelvis, chest), *head_parts(self.shape, self.outfit, at)]
        for side, sign in (("left", 1.0), ("right", -1.0)):
            parts += [*self._leg(at, side, pelvis), *self._arm(at, side, sign, chest)]
        if self.outfit.skirt > 0:
            parts.append(self._skirt(at, pelvis))
        return parts

    def _loose(self, mm: float, *, more: float = 1.0) -> float:
        return self.shape.width(mm) + more * self.outfit.loose_mm

    def _trunk(self, at: Mapping[str, Floats], pelvis: Frame, chest: Frame) -> Iterator[Part]:
        shape, outfit = self.shape, self.outfit
        hips, shoulders = shape.length("hip"), shape.length("shoulder")
        seat, waist = hips + self._loose(42.0), 0.5 * hips + 0.24 * shoulders + self._loose(22.0)
        ribs = 0.80 * shoulders + self._loose(14.0)
        belly = waist * (0.5 + 0.5 * shape.belly)
        flat = 0.62 + 0.1 * (shape.build - 1)
        opening = None if outfit.opening is None else Mark(outfit.opening, 14.0, -1.0, 1.6)
        front = opening if outfit.front is None else Mark(outfit.front, 0.6 * shoulders, 0.15, 0.95)
        yield Part(
            at["pelvis"] - 20.0 * pelvis.up,
            at["pelvis"] + 0.45 * (at["spine"] - at["pelvis"]),
            (seat, max(belly, 0.8 * seat)),
            pelvis.forward,
            outfit.legwear,
            scale=(flat + 0.06, 1.0, 0.62),
            beyond=outfit.belt,
            cut=0.75,
        )
        middle = at["spine"] + 0.05 * (at["thorax"] - at["spine"])
        yield Part(
            at["pelvis"] + 0.55 * (at["spine"] - at["pelvis"]),
            middle,
            (belly, waist),
            pelvis.forward,
            outfit.top,
            scale=(flat * (0.4 + 0.6 * shape.belly) + 0.08, 1.0, 0.6),
            mark=opening,
        )
        yield Part(
            at["spine"],
            at["thorax"] - 0.28 * (at["thorax"] - at["spine"]),
            (waist, ribs),
            chest.forward,
            outfit.top,
            scale=(flat + 0.06, 1.0, 0.7),
            mark=front,
        )
        yield from self._shoulders(at, chest)
        for sign in (1.0, -1.0):
            back = at[f"{'left' if sign > 0 else 'right'}_hip"] - 34.0 * pelvis.forward - 12.0 * pelvis.up
            yield Part(back - sign * 18.0 * pelvis.left, back - sign * 18.0 * pelvis.left, (self._loose(80.0),) * 2,
                       pelvis.forward, outfit.legwear, up=pelvis.up, scale=(1.0, 1.0, 1.1))  # fmt: skip
            if shape.bust:
                breast = at["thorax"] - 0.36 * (at["thorax"] - at["spine"]) + sign * 0.42 * shoulders * chest.left
                breast = breast + (0.52 * ribs + 12.0) * chest.forward
                radius = shape.bust * shape.width(64.0)
                yield Part(breast, breast, (radius, radius), chest.forward, outfit.top, up=chest.up)

    def _shoulders(self, at: Mapping[str, Floats], chest: Frame) -> Iterator[Part]:
        outfit, shape = self.outfit, self.shape
        yoke = self._loose(56.0)
        left, right = at["left_shoulder"], at["right_shoulder"]
        yield Part(left, right, (yoke, yoke), chest.forward, outfit.top, scale=(0.95, 1.05, 1.0))
        for shoulder in (left, right):
            yield Part(
                at["thorax"] + 0.35 * (at["upper_neck"] - at["thorax"]),
                0.25 * at["thorax"] + 0.75 * shoulder + 18.0 * chest.up,
                (self._loose(50.0), self._loose(36.0)),
                chest.forward,
                outfit.top,
            )
        neck = at["upper_neck"] - at["thorax"]
        yield Part(
            at["thorax"] + 0.1 * neck,
            at["thorax"] + 1.25 * neck,
            (shape.width(56.0), shape.width(52.0)),
            chest.forward,
            outfit.skin,
        )

    def _leg(self, at: Mapping[str, Floats], side: str, pelvis: Frame) -> Iterator[Part]:
        outfit, shape = self.outfit, self.shape
        hip, knee, ankle, toe = (at[f"{side}_{name}"] for name in ("hip", "knee", "ankle", "toe"))
        forward = cross(pelvis.left, hip - knee)
        calf = knee + _CALF_AT * (ankle - knee)
        covered = outfit.loose_mm if outfit.legs > 1.0 else 0.0
        yield Part(hip, knee, (self._loose(_THIGH[0]), shape.width(_THIGH[1]) + covered), forward, outfit.legwear,
                   beyond=outfit.skin, cut=outfit.legs if outfit.legs < 1.0 else 9.0)  # fmt: skip
        forward = cross(pelvis.left, knee - ankle)
        back = calf - 10.0 * _unit(forward)
        below = max(outfit.legs - 1.0, 0.0)
        cover = 1.4 * covered if below > 0 else 0.0
        widths = [shape.width(mm) + cover for mm in _CALF]
        yield Part(knee, back, (widths[0], widths[1]), forward, outfit.legwear, beyond=outfit.skin,
                   cut=(below / _CALF_AT if below < _CALF_AT else 9.0) if below > 0 else -9.0)  # fmt: skip
        yield Part(back, ankle, (widths[1], widths[2]), forward, outfit.legwear, beyond=outfit.skin,
                   cut=(below - _CALF_AT) / (1 - _CALF_AT) if below > _CALF_AT else -9.0)  # fmt: skip
        yield from self._foot(ankle, toe, _unit(knee - ankle))

    def _foot(self, ankle: Floats, toe: Floats, shank: Floats) -> Iterator[Part]:
        outfit, scale = self.outfit, self.shape.stature_mm / 1750.0
        along = toe - ankle
        upward = _unit(shank - _unit(along) * (shank @ _unit(along)) + 1e-6)
        heel = ankle - 0.18 * along - 38.0 * scale * upward
        ball = ankle + 0.72 * along - 20.0 * scale * upward
        yield Part(heel, ball, (40.0 * scale, 37.0 * scale), upward, outfit.shoes, scale=(0.85, 1.0, 1.0))
        yield Part(ball, ankle + 1.05 * along - 8.0 * scale * upward, (37.0 * scale, 30.0 * scale), upward,
                   outfit.shoes, scale=(0.7, 1.15, 1.0))  # fmt: skip
        yield Part(ankle, ankle + 0.55 * along - 12.0 * scale * upward, (39.0 * scale, 34.0 * scale), upward,
                   outfit.shoes)  # fmt: skip

    def _arm(self, at: Mapping[str, Floats], side: str, sign: float, chest: Frame) -> Iterator[Part]:
        outfit, shape = self.outfit, self.shape
        shoulder, elbow, wrist, hand = (at[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist", "hand"))
        # A direction that is not parallel to an arm that hangs, points forward or points to the side.
        forward = 0.4 * chest.forward + 0.9 * chest.up + 0.3 * sign * chest.left
        forward = forward if abs(_unit(elbow - shoulder) @ _unit(forward)) < 0.97 else chest.forward
        first = outfit.loose_mm if outfit.sleeves > 0.3 else 0.0
        second = outfit.loose_mm if outfit.sleeves > 1.0 else 0.0
        yield Part(shoulder, elbow, (shape.width(_UPPER_ARM[0]) + first, shape.width(_UPPER_ARM[1]) + second), forward,
                   outfit.top, beyond=outfit.skin, cut=outfit.sleeves if outfit.sleeves < 1.0 else 9.0)  # fmt: skip
        below = outfit.sleeves - 1.0
        yield Part(elbow, wrist, (shape.width(_FOREARM[0]) + second, shape.width(_FOREARM[1]) + 0.7 * second), forward,
                   outfit.top, beyond=outfit.skin, cut=below if below > 0 else -9.0)  # fmt: skip
        scale = shape.stature_mm / 1750.0
        palm = wrist + 0.6 * (hand - wrist)
        across = _unit(cross(hand - wrist, elbow - shoulder) + 1e-3 * chest.forward)
        yield Part(wrist, palm, (27.0 * scale, 38.0 * scale), across, outfit.skin, scale=(0.55, 1.05, 1.0))
        yield Part(palm, wrist + 1.15 * (hand - wrist), (34.0 * scale, 24.0 * scale), across, outfit.skin,
                   scale=(0.5, 1.1, 1.0))  # fmt: skip
        thumb = wrist + 0.75 * (hand - wrist) + 42.0 * scale * _unit(chest.forward + 0.3 * across)
        yield Part(wrist + 0.25 * (hand - wrist), thumb, (17.0 * scale, 12.0 * scale), across, outfit.skin)

    def _skirt(self, at: Mapping[str, Floats], pelvis: Frame) -> Part:
        knees, ankles = (0.5 * (at[f"left_{name}"] + at[f"right_{name}"]) for name in ("knee", "ankle"))
        length = min(self.outfit.skirt, 1.0)
        hem = at["pelvis"] + length * (knees - at["pelvis"]) + max(self.outfit.skirt - 1.0, 0.0) * (ankles - knees)
        apart = np.linalg.norm(at["left_knee"] - at["right_knee"])
        hips = self.shape.length("hip") + self._loose(46.0)
        width = max(0.5 * length * float(apart) + self._loose(66.0, more=2.0), 1.02 * hips)
        forward = cross(pelvis.left, at["pelvis"] - hem)
        dark = scaled(self.outfit.legwear.colors[0], 0.8)
        return Part(at["pelvis"], hem, (hips, min(width, 0.9 * float(np.linalg.norm(hem - at["pelvis"])) + hips)),
                    forward, self.outfit.legwear, beyond=self.outfit.legwear.with_ground(dark), cut=0.97,
                    scale=(0.72, 1.0, 0.22))  # fmt: skip


def frame(up: Floats, left: Floats) -> Frame:
    """Return the frame of a part that extends along `up` and whose own left is about `left`, both (3,)."""
    up = _unit(up)
    left = _unit(left - (left @ up) * up)
    return Frame(cross(left, up), left, up)


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))
