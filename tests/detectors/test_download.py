"""Downloads from a server on this machine that breaks off, goes on, or lies."""

from __future__ import annotations

import http.server
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from poseharvest.detectors import download
from poseharvest.detectors.download import fetch, take_out

CONTENT = bytes(range(256)) * 4000
Answer = Callable[[http.server.BaseHTTPRequestHandler, int], None]


def sends(
    handler: http.server.BaseHTTPRequestHandler, part: bytes, *, status: int, length: int, rest: str = ""
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(length))
    if rest:
        handler.send_header("Content-Range", rest)
    handler.end_headers()
    handler.wfile.write(part)
    handler.close_connection = True


@pytest.fixture
def serve(monkeypatch) -> Iterator[Callable[[Answer], tuple[str, list[int]]]]:
    """Start a server with an answer, which is told from which byte the rest is asked for."""
    monkeypatch.setattr(download, "_PAUSE_S", 0.0)
    started: list[http.server.HTTPServer] = []

    def start(answer: Answer) -> tuple[str, list[int]]:
        starts: list[int] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range", "bytes=0-")
                starts.append(int(asked.removeprefix("bytes=").removesuffix("-")))
                answer(self, starts[-1])

            def log_message(self, *args: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        started.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/model.zip", starts

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def fetched(url: str, folder: Path) -> bytes:
    with (folder / "got").open("xb") as file:
        fetch(url, file)
    return (folder / "got").read_bytes()


def test_a_broken_transfer_goes_on_where_it_broke_off(serve, tmp_path):
    def answer(handler, start):
        stop = min(start + 300_000, len(CONTENT))
        status, rest = (206, f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}") if start else (200, "")
        sends(handler, CONTENT[start:stop], status=status, length=len(CONTENT) - start, rest=rest)

    url, starts = serve(answer)
    assert fetched(url, tmp_path) == CONTENT
    assert starts == [0, 300_000, 600_000, 900_000]


def test_a_server_that_sends_everything_again_is_believed(serve, tmp_path):
    def answer(handler, start):
        sends(handler, CONTENT if start else CONTENT[:70_000], status=200, length=len(CONTENT))

    url, starts = serve(answer)
    assert fetched(url, tmp_path) == CONTENT
    assert starts == [0, 70_000]


def test_a_transfer_that_brings_no_more_is_given_up(serve, tmp_path):
    url, starts = serve(lambda handler, start: sends(handler, CONTENT[:500], status=200, length=len(CONTENT)))
    with pytest.raises(ConnectionError, match=f"ended {len(CONTENT) - 500} bytes before its announced length"):
        fetched(url, tmp_path)
    assert starts == [0, 500]


def test_another_part_than_the_one_asked_for_is_refused(serve, tmp_path):
    def answer(handler, start):
        rest = f"bytes 7-{len(CONTENT) - 1}/{len(CONTENT)}" if start else ""
        sends(handler, CONTENT[:90_000], status=206 if start else 200, length=len(CONTENT), rest=rest)

    url, _ = serve(answer)
    with pytest.raises(ValueError, match="another part than the one from byte 90000"):
        fetched(url, tmp_path)


def test_a_missing_file_is_asked_for_once(serve, tmp_path):
    url, starts = serve(lambda handler, start: sends(handler, b"", status=404, length=0))
    with pytest.raises(OSError, match="404"):
        fetched(url, tmp_path)
    assert starts == [0]


def test_the_only_model_of_an_archive_takes_its_place(tmp_path):
    path = tmp_path / "a.part"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sdk/end2end.onnx", CONTENT)
        archive.writestr("sdk/pipeline.json", "{}")
    take_out(path, ".onnx")
    assert path.read_bytes() == CONTENT
    assert [one.name for one in tmp_path.iterdir()] == ["a.part"]


@pytest.mark.parametrize("names", [(), ("a.json",), ("a.onnx", "b/b.onnx")])
def test_an_archive_with_none_or_several_is_refused(tmp_path, names):
    path = tmp_path / "a.part"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    with pytest.raises(ValueError, match=r"an archive without one file \*.onnx"):
        take_out(path, ".onnx")
    assert [one.name for one in tmp_path.iterdir()] == ["a.part"]
