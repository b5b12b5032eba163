"""A preview picture with the pose drawn into it, as SVG in the pixels of the picture."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from poseharvest.diagnosis.spread import plain_name, side_of_joint, side_of_limb
from poseharvest.diagnosis.wording import scientific
from poseharvest.report.figures import data_uri
from poseharvest.report.overlays import JointMark, ViewOverlay
from poseharvest.skeleton.skeleton import Skeleton

_MARKER_SHARE = 0.0095
"""Radius of a marker as a share of the window's height."""


def overlay_svg(overlay: ViewOverlay, skeleton: Skeleton, label: str) -> Markup:
    """Return one view with limbs, 2-sigma ellipses and joints; `label` describes it."""
    box = overlay.box
    people = Markup("").join(_person(marks, skeleton, box.height * _MARKER_SHARE) for marks in overlay.people)
    return Markup(
        '<svg class="overlay" viewBox="{l:.2f} {t:.2f} {w:.2f} {h:.2f}" role="img" aria-label="{label}">'
        "{picture}{people}</svg>"
    ).format(l=box.left, t=box.top, w=box.width, h=box.height, label=label, picture=_picture(overlay), people=people)


def _picture(overlay: ViewOverlay) -> Markup:
    box = overlay.box
    if overlay.jpeg is None:
        return Markup('<text class="empty" x="{:.2f}" y="{:.2f}" font-size="{:.2f}">no picture</text>').format(
            box.left + box.width / 2, box.top + box.height * 0.06, box.height * 0.035
        )
    return Markup(
        '<image href="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" preserveAspectRatio="none"/>'
    ).format(data_uri("image/jpeg", overlay.jpeg), box.left, box.top, box.width, box.height)


def _person(marks: Mapping[str, JointMark], skeleton: Skeleton, radius: float) -> Markup:
    limbs = [
        (marks[limb.parent], marks[limb.child], side_of_limb(skeleton, limb))
        for limb in skeleton.limbs
        if limb.parent in marks and limb.child in marks
    ]
    lines = [_limb(*limb) for limb in limbs]
    joints = [_joint(mark, side_of_joint(skeleton, name), radius) for name, mark in marks.items()]
    return Markup("").join([*lines, *joints])


def _limb(parent: JointMark, child: JointMark, side: str) -> Markup:
    doubtful = "" if parent.selected and child.selected else " doubtful"
    line = Markup('<path class="limb {}" d="M{:.1f} {:.1f}L{:.1f} {:.1f}"/>')
    place = (parent.x, parent.y, child.x, child.y)
    casing = Markup("") if doubtful else line.format("casing", *place)
    return casing + line.format(side + doubtful, *place)


def _joint(mark: JointMark, side: str, radius: float) -> Markup:
    state = "selected" if mark.selected else "not selected"
    tip = (
        f"{plain_name(mark.name)}: {state}\nsigma {mark.sigma_mm:.1f} mm\ndet {scientific(mark.det)} mm⁶\n"
        f"heatmap here {mark.score:.2f}"
    )
    marker = _disc(mark, side, radius) if mark.selected else _cross(mark, radius)
    return Markup(
        '<g class="{kind}" data-tip="{tip}">{contour}{peak}{marker}'
        '<circle class="hit" cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"/></g>'
    ).format(
        kind="keep" if mark.selected else "reject",
        tip=tip,
        contour=_contour(mark, side),
        peak=_peak(mark, radius),
        marker=marker,
        x=mark.x,
        y=mark.y,
        r=2.4 * radius,
    )


def _contour(mark: JointMark, side: str) -> Markup:
    if mark.ellipse is None:
        return Markup("")
    return Markup(
        '<ellipse class="contour {}" rx="{:.2f}" ry="{:.2f}" transform="translate({:.1f} {:.1f}) rotate({:.1f})"/>'
    ).format(side, mark.ellipse.major, mark.ellipse.minor, mark.x, mark.y, mark.ellipse.angle_deg)


def _disc(mark: JointMark, side: str, radius: float) -> Markup:
    return Markup('<circle class="disc {}" cx="{:.1f}" cy="{:.1f}" r="{:.2f}"/>').format(side, mark.x, mark.y, radius)


def _cross(mark: JointMark, radius: float) -> Markup:
    r = 1.15 * radius
    path = f"M{mark.x - r:.1f} {mark.y - r:.1f}l{2 * r:.1f} {2 * r:.1f}m0 {-2 * r:.1f}l{-2 * r:.1f} {2 * r:.1f}"
    return Markup('<path class="halo" d="{0}"/><path class="cross" d="{0}"/>').format(path)


def _peak(mark: JointMark, radius: float) -> Markup:
    if mark.peak is None:
        return Markup("")
    x, y = mark.peak
    return Markup(
        '<path class="peak" d="M{0:.1f} {1:.1f}L{2:.1f} {3:.1f}M{4:.1f} {5:.1f}h{6:.1f}v{6:.1f}h-{6:.1f}z"/>'
    ).format(mark.x, mark.y, x, y, x - 0.7 * radius, y - 0.7 * radius, 1.4 * radius)
