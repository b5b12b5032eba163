"""A server of S3 on this machine, for tests of what lies in an object store."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BUCKET = "harvests"


@contextmanager
def s3_server() -> Iterator[str]:
    """Give the address of an empty server; skip where there is none."""
    pytest.importorskip("moto", reason="needs moto[server], a server of S3")
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def empty_bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return an empty bucket, s3://NAME, that this process reaches by its environment as any user does."""
    from pyarrow.fs import FileSystem

    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    host = server.removeprefix("http://")
    files, root = FileSystem.from_uri(
        f"s3://{BUCKET}?scheme=http&endpoint_override={host}&allow_bucket_creation=true&allow_bucket_deletion=true"
    )
    files.create_dir(root)
    files.delete_dir_contents(root)
    return f"s3://{BUCKET}"


def end_before(file: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the next upload end with an error before it comes to a local file."""
    path_open = Path.open

    def end(path: Path, *arguments: object, **more: object) -> object:
        if path == file:
            raise error
        return path_open(path, *arguments, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", end)
