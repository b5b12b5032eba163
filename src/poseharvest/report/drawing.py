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


_FAINTEST = 0.18
"""The same number as in `templates/scene.js`."""


def overlay_svg(overlay: ViewOverlay, skeleton: Skeleton, usual_sigma_mm: float, label: str) -> Markup:
    """Return one view with limbs, 2-sigma ellipses and joints, those less certain than usual fainter.

    Args:
        overlay: the view.
        skeleton: the joints.
        usual_sigma_mm: sigma up to which joints are drawn in full strength; twice that is half as strong.
        label: describes the view.
    """
    box = overlay.box
    radius = box.height * _MARKER_SHARE
    people = Markup("").join(_person(marks, skeleton, radius, usual_sigma_mm) for marks in overlay.people)
    return Markup(
        '<svg class="overlay" viewBox="{l:.2f} {t:.2f} {w:.2f} {h:.2f}" role="img" aria-label="{label}">'
        "{picture}{people}</svg>"
    ).format(l=box.left, t=box.top, w=box.width, h=box.height, label=label, picture=_picture(overlay), people=people)


def strength(sigma_mm: float, usual_sigma_mm: float) -> float:
    """Return how strongly a joint is drawn, at most 1: one twice as uncertain as usual is half as strong.

    >>> strength(10, 20), strength(40, 20), strength(4000, 20)
    (1.0, 0.5, 0.18)
    """
    return float(min(1.0, max(_FAINTEST, usual_sigma_mm / max(sigma_mm, 1e-6))))


def _picture(overlay: ViewOverlay) -> Markup:
    box = overlay.box
    if overlay.jpeg is None:
        return Markup('<text class="empty" x="{:.2f}" y="{:.2f}" font-size="{:.2f}">no picture</text>').format(
            box.left + box.width / 2, box.top + box.height * 0.06, box.height * 0.035
        )
    return Markup(
        '<image href="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" preserveAspectRatio="none"/>'
    ).format(data_uri("image/jpeg", overlay.jpeg), box.left, box.top, box.width, box.height)


def _person(marks: Mapping[str, JointMark], skeleton: Skeleton, radius: float, usual_sigma_mm: float) -> Markup:
    strengths = {name: strength(mark.sigma_mm, usual_sigma_mm) for name, mark in marks.items()}
    lines = [
        _limb(
            (marks[limb.parent], marks[limb.child]),
            side_of_limb(skeleton, limb),
            min(strengths[limb.parent], strengths[limb.child]),
        )
        for limb in skeleton.limbs
        if limb.parent in marks and limb.child in marks
    ]
    joints = [_joint(mark, side_of_joint(skeleton, name), radius, strengths[name]) for name, mark in marks.items()]
    return Markup("").join([*lines, *joints])


def _limb(ends: tuple[JointMark, JointMark], side: str, opacity: float) -> Markup:
    path = "L".join(f"{end.x:.1f} {end.y:.1f}" for end in ends)
    line = '<path class="limb casing" d="M{0}"/><path class="limb {1}" opacity="{2:.2f}" d="M{0}"/>'
    return Markup(line).format(path, side, opacity)


def _joint(mark: JointMark, side: str, radius: float, opacity: float) -> Markup:
    state = "selected" if mark.selected else "not selected"
    tip = (
        f"{plain_name(mark.name)}\nsigma {mark.sigma_mm:.1f} mm\n{state}\ndet {scientific(mark.det)} mm⁶\n"
        f"heatmap here {mark.score:.2f}"
    )
    return Markup(
        '<g data-tip="{tip}">{contour}{peak}<circle class="disc {side}" opacity="{o:.2f}" cx="{x:.1f}" cy="{y:.1f}" '
        'r="{radius:.2f}"/><circle class="hit" cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"/></g>'
    ).format(
        tip=tip,
        contour=_contour(mark, side),
        peak=_peak(mark, radius),
        side=side,
        o=opacity,
        x=mark.x,
        y=mark.y,
        radius=radius,
        r=2.4 * radius,
    )


def _contour(mark: JointMark, side: str) -> Markup:
    if mark.ellipse is None:
        return Markup("")
    return Markup(
        '<ellipse class="contour {}" rx="{:.2f}" ry="{:.2f}" transform="translate({:.1f} {:.1f}) rotate({:.1f})"/>'
    ).format(side, mark.ellipse.major, mark.ellipse.minor, mark.x, mark.y, mark.ellipse.angle_deg)


def _peak(mark: JointMark, radius: float) -> Markup:
    if mark.peak is None:
        return Markup("")
    x, y = mark.peak
    return Markup(
        '<path class="peak" d="M{0:.1f} {1:.1f}L{2:.1f} {3:.1f}M{4:.1f} {5:.1f}h{6:.1f}v{6:.1f}h-{6:.1f}z"/>'
    ).format(mark.x, mark.y, x, y, x - 0.7 * radius, y - 0.7 * radius, 1.4 * radius)
