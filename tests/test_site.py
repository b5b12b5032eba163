"""The site's reference documents names where they are defined: its build is the last step of CI, and takes long."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

PAGES = Path(__file__).resolve().parent.parent / ".ci" / "site_pages.py"


def reference() -> dict[str, tuple[str, ...]]:
    """Return what `.ci/site_pages.py` documents, read and not imported: it needs the site's own packages."""
    lines = ast.parse(PAGES.read_text(encoding="utf-8")).body
    (value,) = (
        line.value for line in lines if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "REFERENCE"
    )
    found: dict[str, tuple[str, ...]] = ast.literal_eval(value)
    return found


@pytest.mark.parametrize("name", [name for names in reference().values() for name in names])
def test_what_the_reference_documents_is_defined_there(name: str) -> None:
    module, _, what = name.rpartition(".")
    assert getattr(import_module(module), what).__module__ == module
