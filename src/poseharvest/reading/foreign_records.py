"""Schemas of JSON and TOML that others wrote: what has passed one can be used without asking what it is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from poseharvest.errors import FormatError, HarvestError
from poseharvest.reading.budgets import MAX_INPUT_EDGE

_MAX_SHOWN = 60


class ForeignRecord(BaseModel):
    """A record of a foreign file: keys that are not declared are left out."""

    model_config = ConfigDict(protected_namespaces=(), frozen=True, extra="ignore", arbitrary_types_allowed=True)


Schema = TypeVar("Schema", bound=BaseModel)


def _positive_triple(values: tuple[float, float, float]) -> tuple[float, float, float]:
    if min(values) <= 0:
        raise ValueError("expected three positive numbers")
    return values


Edge = Annotated[int, Field(ge=1, le=MAX_INPUT_EDGE)]
"""Height or width of a network's input, pixels."""

Triple = tuple[FiniteFloat, FiniteFloat, FiniteFloat]
"""A number for each colour."""

PositiveTriple = Annotated[Triple, AfterValidator(_positive_triple)]
"""A positive number for each colour."""


def checked(
    schema: type[Schema], values: object, where: str, *, error: type[HarvestError] = FormatError, of: str = ""
) -> Schema:
    """Return plain values as a record, checked.

    Args:
        schema: the class of the record.
        values: what the file holds.
        where: the file, and the place in it, for messages.
        error: type of the error.
        of: what the record is, for messages: "ViTPose's configuration".

    Raises:
        HarvestError: of type `error`; it names the key. An unknown key comes first, with the nearest known one: it
            often explains a missing one.
    """
    try:
        return schema.model_validate(values)
    except ValidationError as failure:
        problem = min(failure.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    except RecursionError:
        problem = {"loc": (), "type": "deep", "msg": "expected fewer lists and tables in one another", "input": ""}
    key = ".".join(str(part) for part in problem["loc"])
    start = f"{where}: expected {of}: " if of else f"{where}: "
    if problem["type"] == "extra_forbidden":
        raise error(f'{start}unknown key "{key}"; {nearest(key, schema.model_fields)}')
    message = problem["msg"].removeprefix("Value error, ")
    got = "" if problem["type"] == "missing" else f", got {_shown(problem['input'])}"
    raise error(f"{start}{key}{': ' if key else ''}{message}{got}")


def nearest(key: str, known: Iterable[str]) -> str:
    """Return the nearest of some known keys as a question, else all of them."""
    listed = list(known)
    near = difflib.get_close_matches(key, listed, n=1)
    return f'did you mean "{near[0]}"?' if near else f"known keys: {', '.join(listed)}"


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str | int | float | bool | None) else f"{type(value).__name__} {value}"
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."
