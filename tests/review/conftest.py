"""A small harvest to review, and its server."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.review.server import ReviewServer
from poseharvest.review.session import ReviewOptions, ReviewSession
from walker_kit import Recipe, write_walk


@pytest.fixture(scope="session")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A harvest of 40 frames, three of them with pictures."""
    folder = tmp_path_factory.mktemp("review") / "walk"
    write_walk(folder, Recipe(capture_name="walk <of> two", num_persons=2))
    return folder


@pytest.fixture
def harvest(walk: Path, tmp_path: Path) -> Harvest:
    """A copy of it, to decide about."""
    shutil.copytree(walk, tmp_path / "walk")
    return Harvest.open(tmp_path / "walk")


@pytest.fixture
def session(harvest: Harvest) -> Iterator[ReviewSession]:
    """A review."""
    with ReviewSession(harvest, ReviewOptions(by="Ada")) as opened:
        yield opened


@pytest.fixture
def server(session: ReviewSession) -> Iterator[ReviewServer]:
    """Its server, which runs."""
    with ReviewServer(session) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Ask = Callable[..., Answer]


@pytest.fixture
def ask(server: ReviewServer) -> Ask:
    """Send a request to a path behind the token."""

    def send(path: str, body: object = None, *, token: str | None = None, **headers: str) -> Answer:
        address = urlsplit(server.url)
        connection = http.client.HTTPConnection(address.netloc, timeout=20)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if content is not None:
            named = {"Content-Type": "application/json", **named}
        method = "GET" if content is None else "POST"
        connection.request(method, f"/{server.token if token is None else token}/{path}", content, named)
        answer = connection.getresponse()
        whole = Answer(answer.status, dict(answer.headers), answer.read())
        connection.close()
        return whole

    return send
