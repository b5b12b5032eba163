"""The notebook of the docs is kept without outputs, and its code imports what exists; `.ci/notebook.py` runs it."""

from __future__ import annotations

import ast
import importlib
import json
from pathlib import Path

import pytest

from poseharvest.export.registry import EXPORTERS

REPOSITORY = Path(__file__).resolve().parents[1]
NOTEBOOK = json.loads((REPOSITORY / "docs" / "first_harvest.ipynb").read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def test_it_is_kept_without_outputs():
    cells = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 5
    assert [cell["source"] for cell in cells if cell["outputs"] or cell["execution_count"] is not None] == []
    assert len({cell["id"] for cell in NOTEBOOK["cells"]}) == len(NOTEBOOK["cells"])


def test_it_names_no_machine():
    assert set(NOTEBOOK["metadata"]) == {"kernelspec", "language_info"}
    assert "/home/" not in json.dumps(NOTEBOOK)


@pytest.mark.parametrize("code", CODE, ids=range(len(CODE)))
def test_its_code_imports_what_exists(code):
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "poseharvest":
            module = importlib.import_module(node.module)
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


def test_it_exports_to_formats_that_there_are():
    calls = [node for code in CODE for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    exports = [c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == "export"]
    formats = [ast.literal_eval(call.args[0]) for call in exports]
    assert len(formats) > 2
    assert set(formats) <= set(EXPORTERS)


def test_ci_runs_it_before_the_site_is_built():
    script = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
    assert 0 < script.index("python .ci/notebook.py") < script.index("mkdocs build")
