"""What the source of a module states, read without importing it: help texts need words, not the libraries behind them.

Only plain statements are understood: constants, names that stand for them (here or where they are imported from),
`Literal[...]`, and types joined by `|`. Whatever else stands there is `UNKNOWN`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, cast

UNKNOWN: Final = object()
"""What cannot be told without running the module."""

_TYPES: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool, "Path": Path}


@dataclass(frozen=True)
class Stated:
    """A statement in the source of a module.

    Attributes:
        module: its dotted name.
        node: the statement.
    """

    module: str
    node: ast.expr | ast.ClassDef

    @property
    def arguments(self) -> dict[str, Any]:
        """The values of a call's keyword arguments; a class among them is `Stated`."""
        assert isinstance(self.node, ast.Call), f"{self.module}: expected a call, got {ast.unparse(self.node)}"
        return {str(one.arg): value_of(self.module, one.value) for one in self.node.keywords}


def stated(module: str, name: str) -> Stated | None:
    """Return what a name of a module is assigned, or its class, there or where the module imports it from."""
    for node in _tree(module).body:
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names if not alias.asname}:
            return stated(str(node.module), name) if str(node.module).startswith("poseharvest") else None
        if isinstance(node, ast.ClassDef) and node.name == name:
            return Stated(module, node)
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == name and isinstance(node, ast.Assign | ast.AnnAssign):
            return None if node.value is None else Stated(module, node.value)
    return None


def value_of(module: str, node: ast.expr | None) -> Any:
    """Return the value of an expression, or `UNKNOWN`. A class is `Stated`; types are those of `typing`."""
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return _named(module, node.id)
        case ast.Subscript(value=ast.Name(id="Literal")):
            choices = ast.literal_eval(node.slice)
            return cast("Any", Literal)[choices]
        case ast.BinOp(op=ast.BitOr()):
            sides = value_of(module, node.left), value_of(module, node.right)
            return (
                UNKNOWN if any(side is UNKNOWN or isinstance(side, Stated) for side in sides) else sides[0] | sides[1]
            )
        case ast.UnaryOp():
            return ast.literal_eval(node)
    return UNKNOWN


def _named(module: str, name: str) -> Any:
    if name in _TYPES:
        return _TYPES[name]
    found = stated(module, name)
    if found is None:
        return UNKNOWN
    return found if isinstance(found.node, ast.ClassDef) else value_of(found.module, found.node)


@cache
def _tree(module: str) -> ast.Module:
    path = Path(__file__).parent.joinpath(*module.split(".")[1:]).with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))
