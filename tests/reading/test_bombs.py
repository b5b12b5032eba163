"""Small files that ask for gigabytes or hours: each is refused by name, quickly and within little memory."""

from __future__ import annotations

import json
import pickle
import resource
import struct
import time
import zipfile
import zlib

import cv2
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from poseharvest.calibration.registry import read_calibration
from poseharvest.capture.picture_folder import read_image
from poseharvest.capture.picture_header import fits_budget
from poseharvest.capture.video import open_video_view
from poseharvest.detectors import onnx as onnx_detector
from poseharvest.detectors.hourglass import load_hourglass
from poseharvest.detectors.network import RunOptions, preprocessing_from_json
from poseharvest.detectors.registry import load_detector
from poseharvest.errors import CaptureError, DetectorError, FormatError
from poseharvest.evaluation import tracks
from poseharvest.reading import archives, pickled_arrays
from poseharvest.reading.cdf import read_cdf
from poseharvest.reading.hdf5 import open_hdf5
from poseharvest.reading.pickled_arrays import read_npz_objects, read_pickle

MOST_S = 5.0
MOST_BYTES = 300 * 2**20


@pytest.fixture(autouse=True)
def quick_and_small():
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    yield
    assert time.monotonic() - start < MOST_S
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MOST_BYTES


def write(path, data):
    path.write_bytes(data)
    return path


def doubled(times):
    """Lists of two: each holds the one before it twice."""
    return b"\x80\x02]q\x00" + b"".join(
        b"]q" + bytes([k]) + b"(h" + bytes([k - 1]) + b"h" + bytes([k - 1]) + b"e" for k in range(1, times)
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (doubled(40) + b".", "more than"),
        (b"\x80\x02cnumpy\ndtype\nX\x02\x00\x00\x00f8\x85R.", ""),
        (b"\x80\x02c_codecs\nencode\nJ\xff\xff\xff\x7fX\x06\x00\x00\x00latin1\x86R.", "int in the place of bytes"),
        (b"\x80\x02]q\x00h\x00a.", "hold themselves"),
        (b"\x80\x02" + b"(" * 200_000 + b"t" * 200_000 + b".", "nested too deeply"),
        (b"\x80\x02" + b"]" * 100_000 + b"(t" * 50_000 + b".", ""),
    ],
    ids=["doubled lists", "a type alone", "bytes of a number", "a circle", "deep tuples", "many marks"],
)
def test_pickles(tmp_path, data, reason):
    path = write(tmp_path / "a.pkl", data)
    if not reason:
        read_pickle(path)
        return
    with pytest.raises(FormatError, match=reason):
        read_pickle(path)


def test_the_same_bytes_many_times(tmp_path):
    text = b"X" + struct.pack("<I", 10**6) + b"a" * 10**6 + b"q\x01"
    call = b"c_codecs\nencode\nq\x00" + text
    again = b"h\x00h\x01X\x06\x00\x00\x00latin1\x86R" * 5000
    with pytest.raises(FormatError, match="the same bytes too many times"):
        read_pickle(write(tmp_path / "a.pkl", b"\x80\x02" + call + again + b"N."))


def test_what_is_shared_and_small_is_read(tmp_path):
    shared = [1, 2]
    value = {"a": [shared, shared, (shared, "x")]}
    assert read_pickle(write(tmp_path / "a.pkl", pickle.dumps(value, protocol=3))) == value


def test_archives(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_ARRAY_BYTES", 2**20)
    monkeypatch.setattr(pickled_arrays, "MAX_ARRAY_BYTES", 2**20)
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(2**21))
    with pytest.raises(FormatError, match="expected no more than the file can hold"):
        read_npz_objects(path, "x")
    with pytest.raises(DetectorError, match=r"expected no more than 0\.0 GB in it, got 0\.0 GB"):
        load_hourglass(path.rename(tmp_path / "a.pth"), RunOptions())


def png(height, width):
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    content = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def test_a_picture_of_800_megapixels(tmp_path):
    assert read_image(write(tmp_path / "a.png", png(20_000, 40_000))) is None


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".webp"])
@pytest.mark.parametrize("size", [(30, 50), (1, 700)])
def test_real_pictures_fit(suffix, size):
    for depth in (np.uint8, np.uint16) if suffix in {".png", ".tif"} else (np.uint8,):
        done, data = cv2.imencode(suffix, np.zeros((*size, 3), depth))
        assert done
        assert fits_budget(data.tobytes())


def test_a_playlist_that_is_called_a_video_opens_nothing(tmp_path):
    path = write(tmp_path / "a.mp4", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(CaptureError, match=r"a\.mp4: expected a"):
        open_video_view("a", path)


def test_hdf5_of_256_gigabytes(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (2**35,), "f8", chunks=(2**20,))
        file["far"] = h5py.ExternalLink("other.h5", "/x")
        file["near"] = h5py.SoftLink("/x")
        file["text"] = "abc"
    with open_hdf5(path) as file:
        with pytest.raises(FormatError, match="expected no more than the file can hold"):
            file.array("x")
        for name in ("far", "near", "text"):
            with pytest.raises(FormatError, match="expected"):
                file.array(name)


def test_hdf5_within_the_budget_is_read(tmp_path):
    values = np.arange(24.0).reshape(2, 3, 4)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a/b", data=values, compression="gzip")
    with open_hdf5(tmp_path / "a.h5") as file:
        assert file.names() == ["a/b"]
        assert file.names("a") == ["b"]
        np.testing.assert_array_equal(file.array("a/b"), values)


def test_a_table_of_many_equal_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(tracks, "MAX_TABLE_CELLS", 2**20)
    path, rows = tmp_path / "a.parquet", 2**18
    pq.write_table(pa.table({name: np.zeros(rows) for name in ("frame", "x", "y", "z", "joint")}), path)
    with pytest.raises(FormatError, match="expected at most 1048576 values, got 262144 rows"):
        tracks.read_tracks(path)


def test_a_circle_of_records_in_cdf(tmp_path):
    pytest.importorskip("cdflib")
    from dataset_kits.human36m import write_cdf

    path = tmp_path / "a.cdf"
    write_cdf(path, np.zeros((3, 32, 3)))
    data = bytearray(path.read_bytes())
    first = struct.unpack_from(">q", data, struct.unpack_from(">q", data, 20)[0] + 20)[0]
    struct.pack_into(">q", data, first + 12, first)
    path.write_bytes(data)
    with pytest.raises(FormatError, match=r"a\.cdf: expected a CDF file"):
        read_cdf(path, "Other")


def test_metadata_of_a_network_of_a_billion_pixels():
    text = (
        '{"input_size": [1000000000, 1000000000], "mean": [0, 0, 0], "std": [1, 1, 1], "bgr": false, "bias_px": [0, 0]}'
    )
    with pytest.raises(DetectorError, match=r"input_size\.0: Input should be less than or equal to 4096"):
        preprocessing_from_json(text, "a")
    for std in ("[0, 1, 1]", "[NaN, 1, 1]", "[1, 1]", '"x"'):
        with pytest.raises(DetectorError, match="std"):
            preprocessing_from_json(text.replace("1000000000", "64").replace("[1, 1, 1]", std), "a")


def test_a_tensor_of_no_numbers_and_a_billion_channels(tmp_path):
    from safetensors.torch import save_file

    state = {"hg.0.hg.0.0.0.conv1.weight": torch.zeros(10**9, 0), "conv1.weight": torch.zeros(3)}
    save_file({**state, "score.0.weight": torch.zeros(16)}, tmp_path / "a.safetensors", {"detector": "hourglass"})
    with pytest.raises(DetectorError, match=r"expected features of 1 to 4096, got 1000000000"):
        load_detector(tmp_path / "a.safetensors")


def test_an_onnx_loop_that_never_ends(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    def scalar(name, kind):
        return helper.make_tensor_value_info(name, kind, [])

    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Identity", ["old"], ["new"])],
        "body",
        [scalar("i", TensorProto.INT64), scalar("go", TensorProto.BOOL), scalar("old", TensorProto.FLOAT)],
        [scalar("go_on", TensorProto.BOOL), scalar("new", TensorProto.FLOAT)],
    )
    yes = helper.make_tensor("v", TensorProto.BOOL, [], [True])
    nodes = [
        helper.make_node("Constant", [], ["yes"], value=yes),
        helper.make_node("ReduceMax", ["x"], ["start"], keepdims=0),
        helper.make_node("Loop", ["", "yes", "start"], ["end"], body=body),
        helper.make_node("Add", ["x", "end"], ["y"]),
    ]
    pictures = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", 3, 8, 8]) for name in "xy"]
    model = helper.make_model(
        helper.make_graph(nodes, "g", pictures[:1], pictures[1:]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.save(model, tmp_path / "a.onnx")
    (tmp_path / "skeleton.toml").write_text('name = "s"\njoints = ["a", "b", "c"]\nlimbs = [["a", "b"], ["b", "c"]]\n')
    (tmp_path / "a.toml").write_text(
        'model = "a.onnx"\nkind = "heatmap"\ninput_size = [8, 8]\nmean = [0, 0, 0]\nstd = [1, 1, 1]\n'
        'skeleton = "skeleton.toml"\n'
    )
    monkeypatch.setattr(onnx_detector, "MAX_RUN_S", 0.3)
    with pytest.raises(DetectorError, match=r"a\.onnx: expected a model that takes float32 pictures .*terminate"):
        load_detector(tmp_path / "a.toml")


def test_a_camera_whose_name_is_a_book(tmp_path):
    """Names are matched by every run of their words: those of a name of 5000 words would fill the memory."""
    camera = {"size": [640, 480], "matrix": [[500, 0, 320], [0, 500, 240], [0, 0, 1]], "rotation": [0, 0, 0]}
    document = {name: {**camera, "translation": [k, 0, 1]} for k, name in enumerate(("a 1 " * 5000, "b"))}
    path = write(tmp_path / "calib.json", json.dumps(document).encode())
    with pytest.raises(FormatError, match="expected a name of at most 255 characters"):
        read_calibration(path)


def test_names_in_hdf5_that_are_not_utf_8(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset(b"caf\xe9", data=np.zeros(2))
    with open_hdf5(tmp_path / "a.h5") as file:
        assert all(isinstance(name, str) for name in file.names())
        with pytest.raises(FormatError, match='expected a data set "x", got'):
            file.array("x")
