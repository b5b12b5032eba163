"""The formats a harvest can be exported to. To add one, write its module and name it in `format_names`."""

from __future__ import annotations

import dataclasses
import difflib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poseharvest import __version__
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError, FormatError
from poseharvest.export.exporter import Exporter
from poseharvest.export.format_names import MODULES
from poseharvest.findings import Finding, worst_first
from poseharvest.module_records import records_of
from poseharvest.reading.documents import load_json
from poseharvest.storage.disk import os_errors_as_store_errors
from poseharvest.storage.staging import StagedFolder, staged_file

PROVENANCE_FILE = "export.json"
_PROVENANCE_FORMAT = "poseharvest export"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: the file or folder.
        findings: what a person should know of it, the worst first.
    """

    path: Path
    findings: tuple[Finding, ...]


EXPORTERS = records_of("poseharvest.export", MODULES, "EXPORTER", Exporter)
"""Every format."""


def export(
    harvest: Harvest | Path | str,
    format: str,
    path: Path | str,
    *,
    overwrite: bool = False,
    reviews: bool = True,
    **options: Any,
) -> Path:
    """Write a harvest in another format and return the path; it appears whole or not at all. Warnings are logged.

    Args:
        harvest: the harvest or its folder.
        format: a name in `EXPORTERS`.
        path: the file to make, or the folder for formats that write one.
        overwrite: replace an earlier export. A folder is replaced only if it is one.
        reviews: open a folder with what people decided about its joints (`poseharvest review`); an opened harvest is
            taken as it is.
        options: fields of the format's options, `CsvOptions` for "csv" say.

    Raises:
        ConfigError: there is no such format or option.
        StoreError: the harvest is damaged, `path` exists, or writing fails.
    """
    exported = export_with_findings(harvest, format, path, overwrite=overwrite, reviews=reviews, **options)
    for finding in exported.findings:
        _log.log(logging.INFO if finding.severity == "note" else logging.WARNING, "%s: %s", path, finding.message)
    return exported.path


def export_with_findings(
    harvest: Harvest | Path | str,
    format: str,
    path: Path | str,
    *,
    overwrite: bool = False,
    reviews: bool = True,
    **options: Any,
) -> Exported:
    """Do what `export` does, and return what a person should know of the file as well, instead of logging it."""
    if format not in EXPORTERS:
        raise ConfigError(f'format: expected one of {", ".join(EXPORTERS)}, got "{format}"')
    exporter = EXPORTERS[format]
    resolved = _resolve(format, exporter.options, options)
    opened = harvest if isinstance(harvest, Harvest) else _opened(harvest, reviews=reviews)
    target = Path(path)
    if exporter.is_folder:
        findings = _export_folder(opened, exporter, resolved, target, overwrite=overwrite)
    else:
        with staged_file(target, overwrite=overwrite) as temporary:
            findings = exporter.write(opened, temporary, resolved)
    return Exported(target, worst_first([*findings, *opened.review_findings()]))


def _opened(folder: Path | str, *, reviews: bool) -> Harvest:
    harvest = Harvest.open(folder)
    return harvest.with_reviews() if reviews else harvest


def is_export(folder: Path) -> bool:
    """Return whether `folder` is an earlier export."""
    try:
        content = load_json(folder / PROVENANCE_FILE)
    except FormatError:
        return False
    return isinstance(content, dict) and content.get("format") == _PROVENANCE_FORMAT


def _resolve(format: str, options_type: type[Any], given: dict[str, Any]) -> Any:
    known = [field.name for field in dataclasses.fields(options_type)]
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise ConfigError(f'{format}: expected options of {", ".join(known)}, got "{name}"{hint}')
    return options_type(**given)


def _export_folder(
    harvest: Harvest, exporter: Exporter, options: Any, target: Path, *, overwrite: bool
) -> tuple[Finding, ...]:
    staged = StagedFolder(target, replaceable=is_export if overwrite else None)
    try:
        with os_errors_as_store_errors(staged.target):
            findings = exporter.write(harvest, staged.path, options)
            (staged.path / PROVENANCE_FILE).write_text(_provenance(harvest, options), encoding="utf-8")
        staged.commit()
    finally:
        staged.discard()
    return findings


def _provenance(harvest: Harvest, options: Any) -> str:
    plain = {
        field.name: value
        for field in dataclasses.fields(options)
        if isinstance(value := getattr(options, field.name), str | int | float | None)
    }
    content = {
        "format": _PROVENANCE_FORMAT,
        "version": __version__,
        "capture": harvest.info.capture.name,
        "harvested": harvest.info.created,
        "options": plain,
    }
    if harvest.review_provenance is not None:
        content["reviews"] = harvest.review_provenance
    return json.dumps(content, indent=2) + "\n"
