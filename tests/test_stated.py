"""What the source of a module states, against what the module holds when it is imported."""

from __future__ import annotations

from typing import Literal

from poseharvest.cli.derived_options import option_fields
from poseharvest.kinematics.kinematics_options import KinematicsOptions
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.stated import UNKNOWN, Stated, stated, value_of


def found(module: str, name: str) -> Stated:
    one = stated(f"poseharvest.{module}", name)
    assert one is not None
    return one


def test_a_constant_and_a_choice_are_told_where_they_are_imported_as_well():
    unit = found("export.bvh", "LengthUnit")
    assert unit.module == "poseharvest.units"
    assert value_of(unit.module, unit.node) == Literal["mm", "cm", "m"]
    name = found("kinematics.kinematics_record", "RECORD_FILE")
    assert value_of(name.module, name.node) == "kinematics.json"


def test_what_must_be_run_to_be_known_is_unknown():
    calls = found("detectors.registry", "NAMES")
    assert value_of(calls.module, calls.node) is UNKNOWN
    assert stated("poseharvest.units", "no_such_name") is None
    assert stated("poseharvest.detectors.network", "torch") is None


def test_the_fields_of_a_class_are_those_of_the_class_imported():
    for kind in (KinematicsOptions, InferenceOptions):
        module = kind.__module__.removeprefix("poseharvest.")
        assert option_fields(found(module, kind.__name__)) == option_fields(kind)
