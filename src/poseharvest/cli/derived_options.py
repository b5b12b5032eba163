"""Options of a command that follow from a frozen dataclass: name, type, default and help are stated there alone."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import typer

from poseharvest.stated import Stated, value_of

_SIMPLE = (str, int, float, bool, Path)
_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
_SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z\"])")


@dataclass(frozen=True)
class OptionField:
    """A field of a dataclass that a command can offer as an option.

    Attributes:
        name: of the field.
        type: its type without None: a simple one, or a Literal of several values.
        is_optional: the field may be None.
        default: its default.
        help: the first sentence that the dataclass says of it, in the words of a command line.
    """

    name: str
    type: Any
    is_optional: bool
    default: Any
    help: str

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values of a Literal; none for other types."""
        return get_args(self.type)


def option_fields(kind: type[Any] | Stated) -> tuple[OptionField, ...]:
    """Return the fields of a dataclass that can be written on a command line, in order; others are left out.

    Of a dataclass that is `Stated` its source is read: it is not imported.
    """
    hints, defaults, texts = _stated_fields(kind) if isinstance(kind, Stated) else _fields(kind)
    fields_of_options = []
    for name, hint in hints.items():
        is_optional, bare = _without_none(hint)
        if bare in _SIMPLE or get_origin(bare) is Literal:
            text = help_sentence(texts.get(name, ""))
            fields_of_options.append(OptionField(name, bare, is_optional, defaults[name], text))
    return tuple(fields_of_options)


def _fields(kind: type[Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """Return types, defaults and texts of the fields."""
    fields, hints = dataclasses.fields(kind), get_type_hints(kind)
    types = {field.name: hints[field.name] for field in fields}
    return types, {field.name: field.default for field in fields}, field_texts(kind)


def _stated_fields(kind: Stated) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """Return the same as `_fields` by the source alone; types that it does not tell are `UNKNOWN`."""
    assert isinstance(kind.node, ast.ClassDef), kind
    fields = {ast.unparse(node.target): node for node in kind.node.body if isinstance(node, ast.AnnAssign)}
    types = {name: value_of(kind.module, node.annotation) for name, node in fields.items()}
    return types, {name: value_of(kind.module, node.value) for name, node in fields.items()}, _texts_of(kind.node)


def field_texts(kind: type[Any]) -> dict[str, str]:
    """Return what a dataclass says of its fields: under `Attributes:`, or in a docstring below the field."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef), kind
    return _texts_of(definition)


def _texts_of(definition: ast.ClassDef) -> dict[str, str]:
    listed = (ast.get_docstring(definition) or "").partition("Attributes:\n")[2]
    texts = {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(listed)}
    for field, below in pairwise(definition.body):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            texts[ast.unparse(field.target)] = " ".join(str(below.value.value).split())
    return texts


def help_sentence(text: str) -> str:
    """Return the first sentence of a field's docstring as a help text: no choices of the method, no Python.

    >>> help_sentence("Share of `a` (choice D3); None is 0.5. It is a float.")
    'Share of a (if not given, 0.5).'
    >>> help_sentence("whom to write; None for the only one.")
    'Whom to write; if not given, the only one.'
    """
    first = _SENTENCE.split(re.sub(r" \(choices? D\d+\)|`", "", text))[0]
    words = re.sub(r"\bNone (?:is|for)\b", "if not given,", first)
    return f"{words[:1].upper()}{words[1:]}"


def options_of(kind: type[Any]) -> list[Parameter]:
    """Return an option for every field of a dataclass that a command line can say."""
    return [
        option(field.name, field.type | None if field.is_optional else field.type, field.default, help=field.help)
        for field in option_fields(kind)
    ]


def option(
    name: str, kind: Any, default: Any = Parameter.empty, *, help: str, can_deny: bool | None = None
) -> Parameter:
    """Return an option of a command; it is required if it has no default.

    One that is true or false is a flag. With `can_deny` there is also a flag for no; None: if the default is true.
    """
    denied = bool(default) if can_deny is None else can_deny
    flags = [f"--{name.replace('_', '-')}"] if kind in {bool, bool | None} and not denied else []
    described = Annotated[kind, typer.Option(*flags, help=help, show_default=default is not Parameter.empty)]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=described)


def choice(names: Sequence[str]) -> Any:
    """Return a type of an option that is one of some names, which a registry may hold."""
    return cast("Any", StrEnum)("Choice", list(names))


def with_options(
    name: str, options: Sequence[Parameter], build: Callable[[Mapping[str, Any]], Any]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that gives a command some options in place of one parameter of its function.

    Args:
        name: of the parameter.
        options: that take its place.
        build: returns the value of the parameter, by the values of the options.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        parameters: list[Parameter] = []
        for parameter in inspect.signature(function, eval_str=True).parameters.values():
            parameters += options if parameter.name == name else [parameter.replace(kind=Parameter.KEYWORD_ONLY)]

        @wraps(function)
        def command(**values: Any) -> Any:
            own = {one.name: values.pop(one.name) for one in options}
            return function(**values, **{name: build(own)})

        command.__dict__["__signature__"] = Signature(parameters)
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return command

    return decorate


def _without_none(kind: Any) -> tuple[bool, Any]:
    """Return whether a type allows None, and the type without it."""
    if get_origin(kind) not in {Union, UnionType}:
        return False, kind
    others = tuple(one for one in get_args(kind) if one is not NoneType)
    return len(others) < len(get_args(kind)), others[0] if len(others) == 1 else kind
