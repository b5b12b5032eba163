import hashlib
import os
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from poseharvest.detectors import download
from poseharvest.detectors.published_weights import (
    EFFICIENTPOSE_I,
    PublishedWeights,
    cache_dir,
    find_weights,
    sha256_of,
)
from poseharvest.errors import DetectorError

CONTENT = b"weights" * 30_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server():
    """A server on this machine that gives CONTENT for /weights.h5 and counts what it is asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            found = self.path == "/weights.h5"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(CONTENT if found else b"")

        def log_message(self, *args):
            pass

    http = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    http.asked = asked
    yield http
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("POSEHARVEST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def published(server, path="/weights.h5", sha256=SHA256):
    url = f"http://127.0.0.1:{server.server_port}{path}"
    return PublishedWeights(name="tiny", filename="Tiny.h5", url=url, sha256=sha256, licence="none")


def test_a_file_is_downloaded_once(server, cache):
    first = find_weights(published(server))
    assert first == cache / "tiny" / "Tiny.h5"
    assert first.read_bytes() == CONTENT
    assert find_weights(published(server)) == first
    assert server.asked == ["/weights.h5"]
    assert [path.name for path in first.parent.iterdir()] == ["Tiny.h5"]


def test_a_wrong_download_is_refused_with_both_hashes_and_leaves_nothing(server, cache):
    with pytest.raises(DetectorError, match=f"expected sha256 {'0' * 64}, got {SHA256}"):
        find_weights(published(server, sha256="0" * 64))
    assert list((cache / "tiny").iterdir()) == []


def test_a_damaged_file_in_the_cache_is_refused(server, cache):
    path = find_weights(published(server))
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(DetectorError, match=r"Tiny.h5: expected sha256 .*, got .*; delete the file"):
        find_weights(published(server))
    assert server.asked == ["/weights.h5"]


def test_a_missing_file_or_server_says_where_to_put_it(server, cache):
    with pytest.raises(DetectorError, match=r"put the file at .*cache/tiny/Tiny.h5, or name it as weights.*404"):
        find_weights(published(server, path="/gone"))
    server.server_close()
    with pytest.raises(DetectorError, match=r"expected weights to download .*put the file at .*cache/tiny/Tiny.h5"):
        find_weights(published(server))
    assert list((cache / "tiny").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_others_may_read_a_shared_cache(server, cache):
    before = os.umask(0o022)
    try:
        assert find_weights(published(server)).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


BROKEN_ANSWERS = {
    "no status": b"\x00\xff\r\n\r\n",
    "a status of letters": b"HTTP/1.1 abc\r\n\r\n",
    "a long line": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 200 + b"\r\n",
    "a length of letters": b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nxy",
    "less than announced": b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nxy",
    "chunks without a length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nxy\r\n",
    "a circle": b"HTTP/1.1 302 Found\r\nLocation: /weights.h5\r\nContent-Length: 0\r\n\r\n",
    "a file of this machine": b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("answer", BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS)
def test_a_broken_answer_is_named_and_leaves_nothing(cache, answer):
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            while self.rfile.readline() not in {b"\r\n", b""}:
                pass
            self.wfile.write(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as broken:
        threading.Thread(target=broken.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{broken.server_address[1]}/weights.h5"
        wanted = PublishedWeights(name="tiny", filename="Tiny.h5", url=url, sha256=SHA256, licence="none")
        with pytest.raises(DetectorError, match=r"expected (weights to download|sha256)"):
            find_weights(wanted)
        broken.shutdown()
    assert list((cache / "tiny").iterdir()) == []


def test_a_download_that_does_not_end_is_given_up(server, cache, monkeypatch):
    monkeypatch.setattr(download, "_MOST_BYTES", 1000)
    with pytest.raises(DetectorError, match=r"expected weights to download .*more than"):
        find_weights(published(server))


def test_a_cache_that_cannot_be_made_is_named(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("POSEHARVEST_CACHE", str(tmp_path / "file"))
    with pytest.raises(DetectorError, match=r"the cache cannot be written .*set POSEHARVEST_CACHE"):
        find_weights(published(server))


def test_the_cache_is_the_users_own_unless_configured(tmp_path, monkeypatch):
    monkeypatch.setenv("POSEHARVEST_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("POSEHARVEST_CACHE")
    assert cache_dir().name == "poseharvest"


@pytest.mark.data
def test_the_pin_is_the_published_file(keras_file, monkeypatch):
    assert sha256_of(keras_file) == EFFICIENTPOSE_I.sha256
    monkeypatch.setenv("POSEHARVEST_CACHE", str(keras_file.parents[1]))
    assert find_weights(EFFICIENTPOSE_I) == keras_file
