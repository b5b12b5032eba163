"""The records of a registry, each in the module of what it describes: a line in the registry names the module."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol, TypeVar

from poseharvest.stated import stated


class NamedRecord(Protocol):
    """A record that a registry holds by its name."""

    @property
    def name(self) -> str:
        """Name by which people and files call what it describes."""
        ...


Record = TypeVar("Record", bound=NamedRecord)


def records_of(package: str, modules: Sequence[str], constant: str, kind: type[Record]) -> dict[str, Record]:
    """Return the records by name, in the order of the modules.

    Args:
        package: that holds the modules, "poseharvest.export" say.
        modules: their names in it.
        constant: name of the record in each module.
        kind: class of the records.
    """
    records: dict[str, Record] = {}
    for module in modules:
        record = getattr(import_module(f"{package}.{module}"), constant, None)
        assert isinstance(record, kind), f"{package}.{module}: expected {constant} of {kind.__name__}, got {record!r}"
        assert record.name not in records, f'{package}.{module}: a second "{record.name}"'
        records[record.name] = record
    return records


def stated_records(package: str, modules: Sequence[str], constant: str) -> list[dict[str, Any]]:
    """Return what the records state of themselves, by the names of their attributes, without importing their modules.

    Attributes that are no constants are left to `records_of`; classes are `Stated`.
    """
    records = []
    for module in modules:
        record = stated(f"{package}.{module}", constant)
        assert record is not None, f"{package}.{module}: expected {constant}, got none"
        records.append(record.arguments)
    return records
