"""The page of the joint angles as one file: how well they are known, and what they are."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Any

from markupsafe import Markup

from poseharvest import __version__
from poseharvest.findings import Finding
from poseharvest.kinematics.person_kinematics import ModelMotion, PersonKinematics
from poseharvest.report.angle_figures import angle_panels, coordinate_panels, panel_svgs
from poseharvest.report.page_templates import page_environment


def render_kinematics(title: str, people: Sequence[PersonKinematics], findings: Sequence[Finding]) -> str:
    """Return the page. Every name from the footage is escaped.

    Args:
        title: name of the capture.
        people: the angles of each.
        findings: of all of them, the worst first.
    """
    environment = page_environment()
    context: dict[str, Any] = {
        "title": title,
        "version": __version__,
        "findings": findings,
        "people": [_person(person) for person in people],
        "style": _asset("page.css") + _asset("kinematics.css"),
    }
    return environment.get_template("kinematics.html.j2").render(**context)


def person_folder(person: int) -> str:
    """Return the name of the folder with one person's files."""
    return f"person{person}"


def _person(person: PersonKinematics) -> dict[str, Any]:
    return {
        "person": person.person,
        "up": person.up,
        "num_frames": len(person.angles.frames),
        "folder": person_folder(person.person),
        "angles": panel_svgs(angle_panels(person.angles), person.angles.times_s),
        "model": None if person.model is None else _model(person.model),
    }


def _model(model: ModelMotion) -> dict[str, Any]:
    errors, weights = model.answer.marker_errors_mm, model.answer.tasks
    panels = coordinate_panels(model.motion, model.answer.translations)
    worst_first = sorted(errors, key=lambda name: -errors[name])
    return {
        "rms_mm": model.marker_rms_mm,
        "markers": [{"name": n, "rms_mm": errors[n], "weight": weights.get(n, 0.0)} for n in worst_first],
        "scales": model.answer.scales,
        "coordinates": panel_svgs(panels, model.motion.times_s),
    }


def _asset(name: str) -> Markup:
    """A style sheet of this package, not escaped, since it holds no text from the footage."""
    return Markup(resources.files("poseharvest.report").joinpath("templates", name).read_text(encoding="utf-8"))
