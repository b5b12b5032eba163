"""A new selection or recalibration of a finished harvest, without the footage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from poseharvest.annotations.cuts import with_selection_findings
from poseharvest.annotations.film import FILM
from poseharvest.annotations.marking import PartLayout, largest_selected_sigma, mark_parts, scale_parts
from poseharvest.annotations.parts import ANNOTATIONS, FILLED, FRAMES
from poseharvest.annotations.reader import PREVIEWS, Harvest, is_harvest
from poseharvest.annotations.schema import SCHEMA_VERSION
from poseharvest.annotations.unfinished import link_file, link_folder
from poseharvest.annotations.writer import write_info
from poseharvest.calibration.native import RIG_FILE
from poseharvest.selection.recalibration import Recalibration
from poseharvest.selection.selection_rule import SelectionRule
from poseharvest.storage.disk import os_errors_as_store_errors
from poseharvest.storage.staging import StagedFolder


def reselect(harvest: Harvest, rule: SelectionRule) -> Harvest:
    """Replace the selection of a harvest by that of `rule`, and return the harvest, opened again.

    The folder is replaced completely or not at all. Its report is dropped because it shows the old selection. The
    findings about the selection are computed again.

    Raises:
        StoreError: a part is damaged, or writing fails.
    """
    return _rewritten(harvest, lambda layout: {"selection": mark_parts(layout, rule)})


def recalibrate(harvest: Harvest, recalibration: Recalibration | None) -> Harvest:
    """Replace the recalibration of a harvest (None removes it), and return the harvest, opened again.

    Covariances and selection belong to the posterior and do not change. Smooth positions do not change either. The
    folder is replaced as in `reselect`.

    Raises:
        StoreError: a part is damaged, or writing fails.
    """

    def rewrite(layout: PartLayout) -> dict[str, Any]:
        scale_parts(layout, recalibration)
        largest = largest_selected_sigma(layout)
        selection = harvest.info.selection.model_copy(update={"largest_sigma_mm": largest})
        return {"recalibration": recalibration, "selection": selection}

    return _rewritten(harvest, rewrite)


def _rewritten(harvest: Harvest, rewrite: Callable[[PartLayout], dict[str, Any]]) -> Harvest:
    """Return the harvest with rewritten parts; `rewrite` returns the changes to `harvest.json`."""
    staged = StagedFolder(harvest.path, replaceable=is_harvest)
    try:
        with os_errors_as_store_errors(staged.target):
            _link_contents(staged.target, staged.path)
            counts = harvest.info.counts.records_per_part
            layout = PartLayout(staged.path, harvest.skeleton.joints, len(harvest.info.views), counts)
            changes = {**rewrite(layout), "schema_version": SCHEMA_VERSION}  # every part is rewritten
            info = harvest.info.model_copy(update=changes)
            findings = with_selection_findings(info.findings, info.selection)
            write_info(info.model_copy(update={"findings": findings}), staged.path)
        staged.commit()
    finally:
        staged.discard()
    return Harvest.open(harvest.path)


def _link_contents(source: Path, target: Path) -> None:
    for name in (ANNOTATIONS, FRAMES, FILLED, PREVIEWS, FILM):
        if (source / name).is_dir():
            link_folder(source / name, target / name)
    link_file(source / RIG_FILE, target / RIG_FILE)
