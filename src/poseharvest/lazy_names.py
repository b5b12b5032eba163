"""The public names of a package, each imported at its first use: one command loads what it needs and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any


def lazy_names(package: str, file: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package (PEP 562) whose `__init__` states its imports for type checkers alone.

    That block is the only list: where a name comes from is read from it when the first name is asked for.

    Args:
        package: its `__name__`.
        file: its `__file__`.
    """

    @cache
    def homes() -> dict[str, str]:
        return dict(_homes(Path(file)))

    def find(name: str) -> Any:
        if name not in homes():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes()[name]
        return import_module(f"{package}.{name}") if home == package else getattr(import_module(home), name)

    return find


def _homes(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each name that a file imports under `if TYPE_CHECKING`, and the module that it comes from."""
    blocks = (node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.If))
    lines = (line for block in blocks for line in block.body if isinstance(line, ast.ImportFrom))
    for line in lines:
        yield from ((alias.name, str(line.module)) for alias in line.names)
