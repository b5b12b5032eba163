"""`poseharvest export`: a harvest in the formats that other tools read."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from poseharvest.cli.derived_options import OptionField, choice, option, option_fields, with_options
from poseharvest.cli.reviewed_harvests import NO_REVIEWS
from poseharvest.export.format_names import described_formats

_FORMATS = described_formats()
_NAMES = [one["name"] for one in _FORMATS]
_FORMAT = " ".join(f"{one['name']}: {one['description']}." for one in _FORMATS)
_FOLDERS = ", ".join(one["name"] for one in _FORMATS if one.get("is_folder"))


def _described(field: OptionField) -> str:
    """Return the help of a field with what may be chosen, unless the help says it, and the default."""
    listed = "" if all(str(one) in field.help for one in field.choices) else ", ".join(field.choices)
    usual = "" if field.default is None or field.default is False else f"by default {field.default}"
    usual = "the default" if field.default is True else usual
    added = "; ".join(part for part in (listed, usual) if part)
    text = f"{field.help[:1].lower()}{field.help[1:]}".rstrip(".")
    return f"{text} ({added})." if added else f"{text}."


def _options() -> list[Parameter]:
    """Return an option for every field of any exporter's options; its help says which formats have it."""
    fields: dict[str, dict[str, OptionField]] = {}
    for one in _FORMATS:
        for field in option_fields(one["options"]):
            fields.setdefault(field.name, {})[one["name"]] = field
    options = []
    for field_name, by_format in fields.items():
        formats: dict[str, list[str]] = {}
        for name, field in by_format.items():
            formats.setdefault(_described(field), []).append(name)
        text = " ".join(f"{', '.join(names)}: {described}" for described, names in formats.items())
        first = next(iter(by_format.values()))
        kind = str if first.choices else first.type  # what may be chosen differs between formats: they check it
        can_deny = first.default is True
        options.append(option(field_name, kind | None, None, help=text, can_deny=can_deny))
    return options


def _values(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


@with_options("options", _options(), _values)
@with_options("format", [option("format", choice(_NAMES), help=_FORMAT)], lambda values: values["format"])
def export(
    harvest: Annotated[Path, typer.Argument(help="The harvest folder.", show_default=False)],
    format: str,
    out: Annotated[Path, typer.Option(help=f"The file to make; for {_FOLDERS}, the folder.", show_default=False)],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export.")] = False,
    no_reviews: Annotated[bool, typer.Option("--no-reviews", help=NO_REVIEWS)] = False,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Write a harvest in a format that other tools read."""
    from poseharvest.export.registry import export_with_findings

    chosen = options or {}
    exported = export_with_findings(harvest, str(format), out, overwrite=overwrite, reviews=not no_reviews, **chosen)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"wrote {exported.path}")
    for finding in exported.findings:
        console.print(f"{finding.severity}: {finding.message}")
