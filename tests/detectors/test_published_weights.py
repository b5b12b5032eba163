import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

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
    with pytest.raises(DetectorError, match=r"404.*put the file at .*cache/tiny/Tiny.h5, or name it as weights"):
        find_weights(published(server, path="/gone"))
    server.server_close()
    with pytest.raises(DetectorError, match=r"cannot be downloaded .*put the file at .*cache/tiny/Tiny.h5"):
        find_weights(published(server))
    assert list((cache / "tiny").iterdir()) == []


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
