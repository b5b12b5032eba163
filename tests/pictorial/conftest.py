"""While the tests of pictorial/ run, jaxtyping and beartype check the shapes in its annotations (`shapes.py`)."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from types import FunctionType, ModuleType
from typing import Any

import jaxtyping
import pytest
from beartype import BeartypeConf, FrozenDict, beartype

from poseharvest import pictorial

KINDS = ("Bool", "Float", "Int", "Num")
CHECK_THEMSELVES = (
    "FrameEvidence",
    "InferenceOptions",
    "JointPosterior",
    "PoseSamples",
    "Unaries",
)  # with errors of our own

Undo = Callable[[], None]


def modules_of(package: ModuleType) -> list[ModuleType]:
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [importlib.import_module(module.name) for module in found]


def protocols_in(modules: list[ModuleType]) -> set[type]:
    """Return the protocols that cannot be checked at run time."""
    named = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    return {one for one in named if getattr(one, "_is_protocol", False) and one.__module__ != "typing"}


class Checker:
    """Makes functions check their arguments and results."""

    def __init__(self, modules: list[ModuleType]) -> None:
        anything = FrozenDict(dict.fromkeys(protocols_in(modules), object))
        self._typechecker = beartype(conf=BeartypeConf(hint_overrides=anything, is_pep484_tower=True))

    def function(self, function: Any) -> Any:
        return jaxtyping.jaxtyped(typechecker=self._typechecker)(function)

    def member(self, member: object) -> object:
        """The same for what a class holds; None for what takes no part."""
        if isinstance(member, FunctionType):
            return self.function(member)
        if isinstance(member, classmethod):
            return classmethod(self.function(member.__func__))
        if isinstance(member, property):
            return property(self.function(member.fget))
        return None


def replace(holder: Any, name: str, value: object) -> Undo:
    before = vars(holder).get(name)
    setattr(holder, name, value)
    return (lambda: delattr(holder, name)) if before is None else (lambda: setattr(holder, name, before))


def check_class(owner: type, checker: Checker) -> Iterator[Undo]:
    for name, member in list(vars(owner).items()):
        if name == "__init__" and owner.__name__ in CHECK_THEMSELVES:
            continue
        if isinstance(member, cached_property):
            yield replace(member, "func", checker.function(member.func))
        elif (name == "__init__" or not name.startswith("__")) and (new := checker.member(member)) is not None:
            yield replace(owner, name, new)


def born_in(module: ModuleType) -> list[object]:
    return [value for value in vars(module).values() if getattr(value, "__module__", None) == module.__name__]


def replace_everywhere(functions: dict[int, object]) -> Iterator[Undo]:
    """Replace functions by id, in every module that has imported them by name."""
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if type(value) is FunctionType and id(value) in functions:
                yield replace(module, name, functions[id(value)])


def check_package(package: ModuleType) -> Iterator[Undo]:
    modules = modules_of(package)
    for module in modules:
        yield from [replace(module, kind, getattr(jaxtyping, kind)) for kind in KINDS]
    checker = Checker(modules)
    values = [value for module in modules for value in born_in(module)]
    for owner in values:
        if isinstance(owner, type) and not getattr(owner, "_is_protocol", False):
            yield from check_class(owner, checker)
    functions = {id(value): checker.function(value) for value in values if isinstance(value, FunctionType)}
    yield from replace_everywhere(functions)


@pytest.fixture(scope="package", autouse=True)
def shapes_are_checked() -> Iterator[None]:
    undo = list(check_package(pictorial))
    yield
    for step in reversed(undo):
        step()
