"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import os
import socket
from pathlib import Path

# Several test processes that each use every core slow one another down.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from hypothesis import settings

from compile_kit import compile_a_share

# The same examples in every run, so that a change fails by its own fault alone; `--hypothesis-profile=search` looks for
# new ones. How long an example takes says how busy the machine is: no deadline.
settings.register_profile("same examples", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, derandomize=False)
settings.load_profile("same examples")

REPOSITORY = Path(__file__).resolve().parents[1]
MANY_TESTS = 1000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first, so that no process ends long after the other with one of them."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Have the collector of garbage leave out what lasts to the end, which is most of all objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _loops_are_compiled_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """In a run of many tests by several processes: each alone would compile all loops, for most of a minute."""
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if count > 1 and len(request.session.items) > MANY_TESTS:
        number = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
        compile_a_share(tmp_path_factory.getbasetemp().parent, number, count)


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder with real footage, weights and fixtures that lies beside this repository, or a skip."""
    path = Path(os.environ.get("POSEHARVEST_SHARED", REPOSITORY.parent / "shared"))
    if not path.is_dir():
        pytest.skip(f"real files are not at {path}; set POSEHARVEST_SHARED")
    return path


@pytest.fixture
def generator() -> torch.Generator:
    """A seeded random generator."""
    return torch.Generator().manual_seed(20170721)


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forbid every connection and every question for an address."""

    def refuse(*arguments: object, **_options: object) -> None:
        raise AssertionError(f"a socket was used: {arguments}")

    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
