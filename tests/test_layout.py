"""How the code is laid out: short files and functions, everything public documented, nothing dangerous called."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "poseharvest"
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
FORBIDDEN_MODULES = ("torchvision", "pickle", "cPickle", "dill", "joblib", "shelve", "marshal")
FORBIDDEN_CALLS = ("eval", "exec", "print", "breakpoint")

MAY_SHARE_A_NAME = {
    "registry.py": "the list of what a package offers, to which a new thing adds one line",
    "protocol.py": "what a package asks of the things that it is made of: detectors, data sets",
    "efficientpose.py": "a network, and the detector around it",
    "hourglass.py": "a network, and the detector around it",
    "bvh.py": "the reader and the writer of one format",
    "kinematics.py": "the command that makes angles of joints, and the studio's joints that are made of angles",
}
"""Files that stand in two packages under one name, each with the reason."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
FILES = sorted(SOURCE.rglob("*.py"))


def length_without_docstring(function: Function) -> int:
    """Lines of a function from `def` to its end, its docstring left out."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def long_functions(tree: ast.Module) -> list[str]:
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    return [f.name for f in functions if length_without_docstring(f) > MAX_FUNCTION_LINES]


def public_definitions(node: ast.Module | ast.ClassDef) -> Iterator[ast.ClassDef | Function]:
    """Classes, functions and methods that do not begin with an underscore, those within private classes left out."""
    for child in node.body:
        if isinstance(child, ast.ClassDef | Function) and not child.name.startswith("_"):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from public_definitions(child)


def undocumented(tree: ast.Module) -> list[str]:
    """Names without docstring; a property's setter and a protocol's method need one like any other."""
    return [node.name for node in public_definitions(tree) if not ast.get_docstring(node)]


def forbidden(tree: ast.Module) -> list[str]:
    return [
        f"line {getattr(node, 'lineno', 0)}: {fault}" for node in ast.walk(tree) if (fault := _fault(node)) is not None
    ]


def _fault(node: ast.AST) -> str | None:
    if isinstance(node, ast.ImportFrom) and ast.unparse(node) == "from pickle import UnpicklingError":
        return None  # what torch.load raises on a damaged file has no other name
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        return next((f"imports {name}" for name in names if name.split(".")[0] in FORBIDDEN_MODULES), None)
    if isinstance(node, ast.ExceptHandler):
        caught = ast.unparse(node.type) if node.type else "everything"
        return f"catches {caught}" if caught in {"everything", "Exception", "BaseException"} else None
    return _bad_call(node) if isinstance(node, ast.Call) else None


def _bad_call(call: ast.Call) -> str | None:
    name = ast.unparse(call.func)
    options = {option.arg: ast.unparse(option.value) for option in call.keywords if option.arg}
    if name in FORBIDDEN_CALLS:
        return f"calls {name}"
    if options.get("allow_pickle") == "True":
        return f"calls {name} with allow_pickle=True"
    if name == "torch.load" and options.get("weights_only") != "True":
        return "calls torch.load without weights_only=True"
    return None


class Faults(NamedTuple):
    """What is wrong with a file."""

    num_lines: int
    long: list[str]
    undocumented: list[str]
    forbidden: list[str]


@cache
def faults(path: Path) -> Faults:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    return Faults(len(text.splitlines()), long_functions(tree), undocumented(tree), forbidden(tree))


def twins(files: list[Path]) -> list[str]:
    """File names that stand in two packages without a reason."""
    places: dict[str, list[Path]] = {}
    for path in files:
        if path.name != "__init__.py":
            places.setdefault(path.name, []).append(path)
    return sorted(name for name, paths in places.items() if len(paths) > 1 and name not in MAY_SHARE_A_NAME)


def test_no_file_has_a_twin():
    assert twins(FILES) == []
    assert twins([Path("a/pairs.py"), Path("b/pairs.py"), Path("a/registry.py"), Path("b/registry.py")]) == ["pairs.py"]


def test_reasons_to_share_a_name_are_needed():
    names = [path.name for path in FILES]
    assert [name for name in MAY_SHARE_A_NAME if names.count(name) < 2] == []


PACKAGES = [path for path in FILES if path.name == "__init__.py"]


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: str(path.parent.relative_to(SOURCE)) or ".")
def test_a_package_says_what_it_holds_and_what_it_offers(path):
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    assert len(doc.splitlines()) >= 3, "expected: what it holds, what it never touches, where to start reading"
    name = ".".join(("poseharvest", *path.parent.relative_to(SOURCE).parts))
    package = importlib.import_module(name)
    public = [one for one in package.__all__ if one != "__version__"]
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    hidden = [one for one in public if one in modules and not inspect.ismodule(getattr(package, one))]
    assert hidden == [], "a module of that name would take its place"


def test_the_package_is_found():
    assert SOURCE / "errors.py" in FILES


def test_files_are_short():
    """All files in one test, as in those below: a test a file costs more than what it looks at."""
    assert {path: faults(path).num_lines for path in FILES if faults(path).num_lines > MAX_FILE_LINES} == {}


def test_functions_are_short():
    assert {path: faults(path).long for path in FILES if faults(path).long} == {}


def test_public_names_are_documented():
    assert {path: faults(path).undocumented for path in FILES if faults(path).undocumented} == {}


def test_nothing_dangerous_is_used():
    assert {path: faults(path).forbidden for path in FILES if faults(path).forbidden} == {}


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("import torchvision.transforms", "imports torchvision.transforms"),
        ("from pickle import loads", "imports pickle"),
        ("def f():\n    import joblib", "imports joblib"),
        ("try:\n    f()\nexcept:\n    pass", "catches everything"),
        ("try:\n    f()\nexcept Exception as e:\n    raise", "catches Exception"),
        ("eval('1')", "calls eval"),
        ("print(1)", "calls print"),
        ("numpy.load(f, allow_pickle=True)", "calls numpy.load with allow_pickle=True"),
        ("torch.load(f)", "calls torch.load without weights_only=True"),
    ],
)
def test_each_danger_is_caught(code, fault):
    assert [found.partition(": ")[2] for found in forbidden(ast.parse(code))] == [fault]


def test_what_only_looks_dangerous_is_not_caught():
    code = "model.eval()\ntorch.load(f, weights_only=True)\ntry:\n    f()\nexcept (OSError, ValueError):\n    raise"
    assert forbidden(ast.parse(code)) == []


def test_long_functions_are_caught_and_docstrings_are_free():
    body = "\n".join("    x = 1" for _ in range(MAX_FUNCTION_LINES - 1))
    doc = '    """' + "\n    a\n" * 20 + '    """\n'
    assert long_functions(ast.parse(f"def fits():\n{doc}{body}")) == []
    assert long_functions(ast.parse(f"def long():\n{body}\n    y = 2")) == ["long"]


def test_missing_docstrings_are_caught():
    code = "class A:\n    '''A.'''\n    def f(self): ...\n    def _g(self): ...\nclass _B:\n    def h(self): ..."
    assert undocumented(ast.parse(code)) == ["f"]
