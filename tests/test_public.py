"""The public names of the package, each imported at its first use."""

import importlib
import pkgutil

import pytest

import poseharvest


def test_no_public_name_is_hidden_by_a_package_of_that_name():
    """Importing `poseharvest.x` makes `x` an attribute of the package: no public thing may have that name."""
    packages = {module.name for module in pkgutil.iter_modules(poseharvest.__path__)}
    assert packages & set(poseharvest.__all__) == set()


@pytest.mark.parametrize("name", poseharvest.__all__)
def test_every_public_name_is_there_twice(name):
    assert getattr(poseharvest, name) is getattr(importlib.import_module("poseharvest"), name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'harvst'"):
        poseharvest.harvst  # noqa: B018
