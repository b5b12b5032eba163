"""Public names of packages are imported at their first use, and are those that the packages state."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
PACKAGES = sorted(
    ".".join(path.parent.relative_to(SOURCE).parts)
    for path in (SOURCE / "poseharvest").rglob("__init__.py")
    if "lazy_names(" in path.read_text(encoding="utf-8")
)


def test_all_packages_but_the_root_and_the_program_are_lazy():
    others = {path.parent.name for path in (SOURCE / "poseharvest").rglob("__init__.py")} - {
        name.rpartition(".")[2] for name in PACKAGES
    }
    assert others == {"poseharvest", "cli"}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there(package):
    module = importlib.import_module(package)
    assert all(hasattr(module, name) for name in module.__all__)


def test_an_unknown_name_is_an_attribute_error():
    package = importlib.import_module("poseharvest.geometry")
    with pytest.raises(AttributeError, match=r"module 'poseharvest\.geometry' has no attribute 'Camrea'"):
        package.Camrea  # noqa: B018


def test_a_module_of_a_package_is_no_name_of_it_and_is_imported_all_the_same():
    from poseharvest.geometry import crop

    assert crop.__name__ == "poseharvest.geometry.crop"


def test_importing_all_packages_loads_nothing_else():
    code = f"import sys, {', '.join(PACKAGES)}; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SOURCE)}
    )
    ours = {name for name in ran.stdout.split() if name.split(".")[0] == "poseharvest"}
    parents = {".".join(name.split(".")[:n]) for name in PACKAGES for n in range(1, 4)}
    assert ours <= parents | {"poseharvest.lazy_names"}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_name_is_hidden_by_a_module_of_the_same_name(package):
    """Importing a module sets it on its package, in place of a function or class that is called like it."""
    path = SOURCE.joinpath(*package.split(".")) / "__init__.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    stated = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    hidden = [
        alias.name
        for node in stated
        for alias in node.names
        if node.module != package and (path.parent / f"{alias.asname or alias.name}.py").exists()
    ]
    assert not hidden
