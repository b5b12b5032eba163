"""Models by name, on files with the same inputs and outputs, and a server on this machine."""

from __future__ import annotations

import http.server
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from onnx_kit import write_rtmpose
from poseharvest.detectors import published_models, registry
from poseharvest.detectors.published_models import PUBLISHED_MODELS
from poseharvest.detectors.published_weights import sha256_of
from poseharvest.detectors.registry import load_detector
from poseharvest.errors import DetectorError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("POSEHARVEST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def archive(tmp_path) -> Path:
    """A model in an archive as the publisher packs them."""
    model = write_rtmpose(tmp_path / "end2end.onnx", 17)
    path = tmp_path / "served" / "rtmpose.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as files:
        files.write(model, "rtmpose/end2end.onnx")
        files.writestr("rtmpose/pipeline.json", "{}")
    return path


@pytest.fixture
def publish(archive, monkeypatch):
    """Serve the archive in place of rtmpose-m's, with or without a pinned hash; returns the paths that were asked."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(archive.parent))

        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def change(sha256: str | None) -> list[str]:
        known = PUBLISHED_MODELS["rtmpose-m"]
        url = f"http://127.0.0.1:{server.server_port}/rtmpose.zip"
        moved = replace(known, weights=replace(known.weights, url=url, sha256=sha256))
        for module in (published_models, registry):
            monkeypatch.setattr(module, "PUBLISHED_MODELS", {**PUBLISHED_MODELS, "rtmpose-m": moved})
        return asked

    yield change
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", PUBLISHED_MODELS)
def test_every_record_fits_a_model_of_its_shape(tmp_path, name):
    model = PUBLISHED_MODELS[name]
    path = write_rtmpose(tmp_path / "mine.onnx", model.num_joints, size=model.input_size)
    detector = load_detector(name, weights=path)
    assert detector.name == name
    assert detector.details["preprocessing"]["input_size"] == list(model.input_size)
    assert detector.skeleton.name == {17: "coco17", 26: "halpe26", 133: "coco23"}[model.num_joints]
    assert detector.details["model_sha256"] == sha256_of(path)


@pytest.mark.parametrize("name", PUBLISHED_MODELS)
def test_every_record_says_where_and_how_large(name):
    weights, (height, width) = PUBLISHED_MODELS[name].weights, PUBLISHED_MODELS[name].input_size
    assert weights.name == name
    assert weights.url.startswith("https://download.openmmlab.com/")
    assert f"{height}x{width}" in weights.url
    assert ("halpe26" in weights.url) == (PUBLISHED_MODELS[name].num_joints == 26)
    assert weights.sha256 is None or len(weights.sha256) == 64


def test_a_model_of_another_shape_is_refused(tmp_path):
    path = write_rtmpose(tmp_path / "mine.onnx", 17)
    with pytest.raises(DetectorError, match=r"mine.onnx: kind simcc: expected outputs .* with J = 26, got"):
        load_detector("rtmpose-m-halpe26", weights=path)
    with pytest.raises(DetectorError, match=r"input_size: expected the model's own, \[256, 192\]"):
        load_detector("rtmpose-l", weights=path)
    with pytest.raises(DetectorError, match=r"gone.onnx: expected the weights of rtmpose-m, got no file"):
        load_detector("rtmpose-m", weights=tmp_path / "gone.onnx")


def test_it_is_downloaded_once_and_its_hash_recorded(publish, cache, caplog):
    asked = publish(None)
    detector = load_detector("rtmpose-m")
    path = cache / "rtmpose-m" / "rtmpose-m.onnx"
    assert detector.skeleton.name == "coco17"
    assert detector.details["model_sha256"] == sha256_of(path)
    assert "no sha256 of it is known from a public source" in caplog.text
    assert "it is recorded in" in caplog.text
    assert sorted(one.name for one in path.parent.iterdir()) == ["rtmpose-m.onnx", "rtmpose-m.onnx.sha256"]
    assert (path.parent / "rtmpose-m.onnx.sha256").read_text() == f"{sha256_of(path)}  rtmpose-m.onnx\n"
    caplog.clear()
    load_detector("rtmpose-m")
    assert asked == ["/rtmpose.zip"]
    assert caplog.text == ""
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(DetectorError, match=r"rtmpose-m.onnx: expected sha256 .*, got .*; delete the file"):
        load_detector("rtmpose-m")


def test_a_pinned_hash_is_that_of_the_model_in_the_archive(publish, cache, archive, tmp_path):
    publish(sha256_of(tmp_path / "end2end.onnx"))
    load_detector("rtmpose-m")
    assert not (cache / "rtmpose-m" / "rtmpose-m.onnx.sha256").exists()


def test_a_wrong_hash_leaves_nothing(publish, cache):
    publish("0" * 64)
    with pytest.raises(DetectorError, match=rf"http.*rtmpose.zip: expected sha256 {'0' * 64}, got"):
        load_detector("rtmpose-m")
    assert list((cache / "rtmpose-m").iterdir()) == []


def test_a_file_that_was_put_there_needs_no_network(cache, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a socket was used"))
    folder = cache / "rtmpose-l"
    folder.mkdir(parents=True)
    write_rtmpose(folder / "rtmpose-l.onnx", 17, size=(384, 288))
    assert load_detector("rtmpose-l").heatmap_size == (72, 72)
    assert "it is recorded in" in caplog.text


def test_without_a_network_one_line_says_what_to_do(cache, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr("socket.create_connection", refuse)
    with pytest.raises(DetectorError) as caught:
        load_detector("rtmpose-m")
    message = str(caught.value)
    assert message.startswith("https://download.openmmlab.com/mmpose/v1/projects/rtmposev1/onnx_sdk/rtmpose-m_simcc")
    assert f"put the .onnx of the archive at {cache}/rtmpose-m/rtmpose-m.onnx, or name it as weights" in message
    assert "Network is unreachable" in message
    assert "\n" not in message


def test_an_archive_without_a_model_is_named(publish, cache, archive):
    publish(None)
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("readme.txt", "no model")
    with pytest.raises(DetectorError, match=r"expected weights to download .*without one file \*.onnx: readme.txt"):
        load_detector("rtmpose-m")
    assert list((cache / "rtmpose-m").iterdir()) == []
