"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment
from markupsafe import Markup

from poseharvest.annotations.cuts import unasked_selection
from poseharvest.annotations.reader import Harvest
from poseharvest.diagnosis import wording
from poseharvest.diagnosis.agreement import DISAGREE_MM
from poseharvest.diagnosis.histogram import RELATIVE_ERROR
from poseharvest.diagnosis.limbs import MIN_FLAG_MM, OFF_SHARE, WIDE_SHARE
from poseharvest.diagnosis.spread import plain_name
from poseharvest.diagnosis.verdict import verdict_on
from poseharvest.errors import StoreError
from poseharvest.report import figures, selection
from poseharvest.report.collect import ReportContent, collect, frame_range
from poseharvest.report.drawing import overlay_svg
from poseharvest.report.film_in_page import film_in_page
from poseharvest.report.film_of_footage import FootageFilm
from poseharvest.report.fitted import fit_into_page
from poseharvest.report.joint_order import hinges, limb_order, reading_order
from poseharvest.report.overlays import NUM_SIGMAS
from poseharvest.report.page_limit import size_in_words
from poseharvest.report.page_templates import page_environment
from poseharvest.report.payload import page_data, script_safe
from poseharvest.report.strip import strip_svg
from poseharvest.report.take_folder import take_folder
from poseharvest.storage.object_store import is_remote
from poseharvest.storage.staging import staged_file

_SCRIPTS = (
    *(
        "orbit.js",
        "motion.js",
        "take.js",
        "scene.js",
        "controls.js",
        "film.js",
        "view_canvases.js",
        "angles.js",
        "trajectories.js",
    ),
    "page.js",
)
_MIN_REACH_MM = 20.0


def report(
    harvest: Path | str, out: Path | str | None = None, *, overwrite: bool = False, film: FootageFilm | None = None
) -> Path:
    """Write the report of a harvest folder as one HTML file and return its path.

    The frames of a long take, and its film, lie in a folder beside the page, `NAME_frames`, which belongs to it.

    Args:
        harvest: the harvest folder.
        out: the HTML file; `report/index.html` in the harvest folder if None, and an earlier report there is replaced.
            A harvest in an object store needs it.
        overwrite: replace the file that stands at `out`.
        film: the film to make from the footage; None takes the one that the harvest keeps, if there is one.

    Raises:
        StoreError: the harvest is damaged, `out` exists, or it cannot be written.
        FormatError: a preview picture is damaged.
        CaptureError: a film is asked for, and the footage is not there or is not that of the harvest.
    """
    path, _ = write_page(harvest, out, overwrite=overwrite, film=film)
    return path


def write_page(
    harvest: Path | str, out: Path | str | None = None, *, overwrite: bool = False, film: FootageFilm | None = None
) -> tuple[Path, ReportContent]:
    """Write the report as `report` does, and return its path and its content."""
    if out is None and is_remote(harvest):
        raise StoreError(f"{harvest}: a report is not written into an object store: name a local file (--out)")
    opened = Harvest.open(harvest)
    path = Path(out) if out is not None else opened.path / "report" / "index.html"
    first, last = frame_range(opened)
    made = nullcontext(film_in_page(opened)) if film is None else film.made(opened, range(first, last + 1))
    with (
        staged_file(path, overwrite=overwrite or out is None) as temporary,
        made as in_page,
        take_folder(opened.info, path, in_page) as folder,
    ):
        content = collect(opened, None if folder is None else folder.sink, in_page)
        page = render(content, None if folder is None else folder.name)
        temporary.write_text(page, encoding="utf-8")
    return path, content


def render(content: ReportContent, beside: str | None = None) -> str:
    """Return the page. Every name from the harvest is escaped.

    Args:
        content: what it shows.
        beside: name of the folder beside the page that holds the pieces of a long take, or its film.
    """
    return environment().get_template("page.html.j2").render(**_context(content, beside))


def environment() -> Environment:
    """Return what fills the templates: it escapes every text that is not a template's own."""
    made = page_environment()
    made.filters.update(
        number=wording.number, percent=wording.percent, mm=wording.short, plain=plain_name, count="{:,}".format
    )
    made.filters.update(ordinal=_ordinal, merged=lambda a, b: {**a, **b}, plain_entries=_plain_entries)
    return made


def _context(content: ReportContent, beside: str | None) -> dict[str, Any]:
    info = content.info
    overlay = partial(overlay_svg, skeleton=content.skeleton, usual_sigma_mm=content.joints.usual_sigma_mm)
    order = reading_order(content.skeleton)
    ordered = [content.joints.joints[j] for j in order]
    spread_scale = figures.LogScale(float(content.joints.edges_mm[0]), float(content.joints.edges_mm[-1]))
    cuts = {joint.joint: selection.cut_mm(info.selection, joint, info.recalibration) for joint in info.selection.joints}
    return {
        "content": content,
        "info": info,
        "joints": ordered,
        "limbs": [content.limbs[e] for e in limb_order(content.skeleton)],
        "findings": content.findings,
        "verdict": verdict_on(content.examined, content.joints.sigma),
        "unasked_selection": unasked_selection(info.selection),
        "rule_words": selection.rule_words(info.selection),
        "selected_of": {joint.joint: joint for joint in info.selection.joints},
        "cuts": cuts,
        "threshold_words": partial(selection.threshold_words, info.selection),
        "fitted": fit_into_page(content, overlay),
        "page_size": size_in_words(),
        "film_texts": () if content.film is None else content.film.texts,
        "strips": _strips(content, order),
        "spread_bar": partial(figures.spread_bar, scale=spread_scale),
        "deviation_bar": partial(figures.deviation_bar, reach_mm=_reach_mm(content)),
        "reach_mm": _reach_mm(content),
        "cut_histogram": partial(figures.cut_histogram, edges_mm=content.joints.edges_mm),
        "pooled_histogram": figures.pooled_histogram(content.joints.joints, content.joints.edges_mm),
        "cell_style": _cell_style,
        "order": order,
        "hinges": frozenset() if content.angles else hinges(content.skeleton),
        "data": page_data(content, beside),
        "inside": None if content.take.inside is None else script_safe(content.take.inside),
        "beside": beside,
        "style": asset("page.css"),
        "scripts": [asset(name) for name in _SCRIPTS],
        "laws": {
            "disagree_mm": DISAGREE_MM,
            "off": OFF_SHARE,
            "wide": WIDE_SHARE,
            "min_flag_mm": MIN_FLAG_MM,
            "sigmas": NUM_SIGMAS,
            "quantile_error": RELATIVE_ERROR,
        },
    }


def _strips(content: ReportContent, order: tuple[int, ...]) -> dict[str, Any]:
    values = np.concatenate([timeline.sigma_mm.ravel() for timeline in content.timelines])
    scale = figures.LogScale.around(values)
    strips = [
        (timeline.person, strip_svg(timeline, content.skeleton, order, scale, f"strip-{index}"))
        for index, timeline in enumerate(content.timelines)
    ]
    return {"people": strips, "bar": figures.colour_bar(scale)}


def _reach_mm(content: ReportContent) -> float:
    """Half the width of the limbs' axis: the widest middle half or median with room around it, rounded up to 10 mm."""
    reaches = [_MIN_REACH_MM]
    for limb in content.limbs:
        center = limb.measured.median if np.isnan(limb.estimated_mm) else limb.estimated_mm
        reaches += [abs(value - center) for value in (limb.measured.low, limb.measured.high) if np.isfinite(value)]
    return float(np.ceil(min(max(reaches), 4 * float(np.median(reaches)) + _MIN_REACH_MM) / 10) * 10)


def _ordinal(number: int) -> str:
    """Return a number from 2 on as it counts frames.

    >>> [_ordinal(number) for number in (2, 3, 4, 11, 22)]
    ['second', 'third', '4th', '11th', '22nd']
    """
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return {2: "second", 3: "third"}.get(number, f"{number}{ending}")


def _cell_style(share: float) -> str:
    """The background of a cell of the agreement matrix: its colour is stronger where more peaks disagree."""
    strength = 0 if np.isnan(share) else round(100 * min(share / 0.6, 1) ** 0.7)
    return f"background:color-mix(in srgb, var(--doubt) {0.75 * strength:.0f}%, var(--faint))"


def _plain_entries(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are plain values, not groups of options."""
    return {key: value for key, value in options.items() if not isinstance(value, Mapping)}


def asset(name: str) -> Markup:
    """Return a style sheet or script of this package, not escaped, since it holds no text from the harvest."""
    return Markup(resources.files("poseharvest.report").joinpath("templates", name).read_text(encoding="utf-8"))
