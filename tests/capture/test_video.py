"""Videos: pictures, times, orientation and damage."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from poseharvest.capture.video import Orientation, open_video_view, orientation_from_matrix
from poseharvest.capture.video_index import decode_frames
from poseharvest.errors import CaptureError

FASTSTART = {"movflags": "faststart"}


def shown(video, film, numbers):
    return [film.number(image) for image in video.read(np.asarray(numbers, dtype=np.int32))]


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mov", "libx264"), ("a.mkv", "libx264"), ("a.avi", "libx264"), ("a.avi", "mpeg4")],
)
def test_pictures_and_times(tmp_path, film, name, codec):
    video = open_video_view("a", film.write(tmp_path / name, range(40), rate=25, codec=codec))
    assert video.image_size == film.size
    assert video.frame_rate == pytest.approx(25)
    assert video.damage is None
    np.testing.assert_allclose(video.times_s, np.arange(40) / 25, atol=6e-4)
    assert shown(video, film, range(40)) == list(range(40))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {}),
        ("a.mp4", {"movflags": "frag_every_frame+empty_moov"}),
        ("a.mkv", {}),
        ("a.mkv", {"live": "1"}),  # no table of key frames
        ("a.avi", {}),
        ("a.ts", {}),  # seeking ends behind the key frame
        ("a.MTS", {}),
    ],
)
def test_reading_may_start_anywhere(tmp_path, film, name, options):
    video = open_video_view("a", film.write(tmp_path / name, range(40), options=options))
    for start in (1, 11, 12, 13, 25, 39):
        assert shown(video, film, range(start, 40)) == list(range(start, 40))


def test_numbers_may_repeat_be_missing_or_skip(tmp_path, film):
    video = open_video_view("a", film.write(tmp_path / "a.mp4", range(40)))
    assert shown(video, film, [-1, 3, 3, -1, 3, 20, -1, 39, -1]) == [None, 3, 3, None, 3, 20, None, 39, None]
    assert shown(video, film, [-1, -1]) == [None, None]
    assert shown(video, film, []) == []


@pytest.mark.parametrize(
    ("name", "codec", "limit"),
    [
        # A key frame every 12 pictures: 0 to 2, then 36 to 39 and 72 to 75; the decoder is a few pictures ahead.
        ("a.mp4", "libx264", 20),
        ("a.mkv", "libx264", 20),
        ("a.ts", "libx264", 40),  # without a table of key frames, seeking may go to an earlier one
        ("a.avi", "mjpeg", 6),  # every picture is a key frame
        ("a.avi", "libx264", 80),  # pictures are counted from the start
    ],
)
def test_pictures_between_those_that_are_read_are_not_decoded(tmp_path, film, monkeypatch, name, codec, limit):
    opened = open_video_view("a", film.write(tmp_path / name, range(80), codec=codec))
    decoded = []

    def counting(*args, **options):
        for frame in decode_frames(*args, **options):
            decoded.append(frame.pts)
            yield frame

    monkeypatch.setattr("poseharvest.capture.video.decode_frames", counting)
    numbers = [1, 2, 39, -1, 39, 74, 75]
    expected = [number if number >= 0 else None for number in numbers]
    assert shown(opened, film, numbers) == expected
    assert len(decoded) <= limit


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_variable_frame_rate_is_read_by_time_stamp(tmp_path, film, name):
    intervals = np.random.default_rng(5).choice([0.02, 0.04, 0.06], 50)
    times = np.round(np.cumsum(intervals), 3)
    video = open_video_view("a", film.write(tmp_path / name, range(50), times_s=times))
    np.testing.assert_allclose(video.times_s, times, atol=1e-3)
    assert shown(video, film, range(17, 50)) == list(range(17, 50))


def test_a_late_start_is_kept(tmp_path, film):
    times = 2.5 + np.arange(20) / 25
    video = open_video_view("a", film.write(tmp_path / "a.mkv", range(20), times_s=times))
    np.testing.assert_allclose(video.times_s, times, atol=1e-3)
    assert video.frame_rate == pytest.approx(25, rel=1e-3)


@pytest.mark.parametrize(("rotation", "flip"), list(itertools.product([0, 90, 180, 270], [False, True])))
def test_a_turned_video_is_upright_as_opencv_shows_it(tmp_path, film, rotation, flip):
    if rotation and not flip and tuple(map(int, cv2.__version__.split(".")[:2])) < (4, 12):
        pytest.skip("before 4.12 OpenCV does not turn this video")
    path = film.write(tmp_path / "a.mp4", [1, 77], rotation_deg=rotation, flip=flip)
    video = open_video_view("a", path)
    assert video.image_size == (film.size if rotation % 180 == 0 else film.size[::-1])
    (image,) = video.read(np.asarray([1], dtype=np.int32))
    assert image is not None
    assert image.shape[:2] == video.image_size
    if flip:
        stored = open_video_view("b", film.write(tmp_path / "b.mp4", [1, 77]))
        (plain,) = stored.read(np.asarray([1], dtype=np.int32))
        with av.open(str(path)) as container:
            matrix = bytes(next(container.decode(video=0)).side_data["DISPLAYMATRIX"])
        a, b, _, c, d = np.frombuffer(matrix, dtype=np.int32)[:5] / 65536
        q, p = np.mgrid[: film.size[0], : film.size[1]]
        x, y = (a * p + c * q).astype(int), (b * p + d * q).astype(int)
        np.testing.assert_array_equal(image[y - y.min(), x - x.min()], plain)
    else:
        reader = cv2.VideoCapture(str(path))
        reader.read()
        np.testing.assert_array_equal(image, reader.read()[1][..., ::-1])


def test_a_crooked_turn_is_an_error(tmp_path, film):
    path = film.write(tmp_path / "a.mp4", range(3), rotation_deg=45)
    with pytest.raises(CaptureError, match=r"a.mp4: expected a quarter turn, got the display matrix"):
        open_video_view("a", path)


def test_pictures_cut_away_by_an_edit_list_are_not_there(tmp_path, film):
    path = film.write(tmp_path / "a.mp4", range(40), rate=30)
    content = bytearray(path.read_bytes())
    at = content.index(b"elst") + 12  # version, count, then the segment's duration
    duration = int.from_bytes(content[at : at + 4], "big")
    content[at : at + 4] = (duration // 2).to_bytes(4, "big")
    path.write_bytes(content)
    video = open_video_view("a", path)
    assert video.damage is None
    assert shown(video, film, range(len(video.times_s))) == list(range(20))


def test_a_video_without_its_index_is_an_error(tmp_path, film):
    path = film.cut(film.write(tmp_path / "a.mp4", range(40)), 0.6)
    for policy in ("error", "drop"):
        with pytest.raises(CaptureError, match=r"a.mp4: expected a whole video, got: "):
            open_video_view("a", path, on_damage=policy)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")])
def test_a_video_that_breaks_off_is_an_error_or_ends_early(tmp_path, film, name, codec):
    path = film.cut_at_picture(film.write(tmp_path / name, range(60), options=FASTSTART, codec=codec), 36)
    with pytest.raises(CaptureError, match=rf"{name}: .*at \d\.\d+ s; with on_damage = \"drop\" the view drops out"):
        open_video_view("a", path)
    video = open_video_view("a", path, on_damage="drop")
    assert video.damage is not None
    assert 30 <= len(video.times_s) <= 36
    for number, time in zip(shown(video, film, range(len(video.times_s))), video.times_s, strict=True):
        assert number is None or number == round(30 * time)


def test_a_broken_video_of_counted_pictures_is_always_an_error(tmp_path, film):
    path = film.cut_at_picture(film.write(tmp_path / "a.avi", range(60)), 36)
    with pytest.raises(CaptureError, match=r"a.avi: it announces 60 pictures and holds 3\d"):
        open_video_view("a", path, on_damage="drop")


def smash(path, at, size=400):
    content = bytearray(path.read_bytes())
    content[at : at + size] = bytes((7 * i) % 251 for i in range(size))
    path.write_bytes(content)


def test_a_picture_that_cannot_be_decoded_is_an_error_or_drops_out(tmp_path, film, caplog):
    path = film.write(tmp_path / "a.avi", range(20), codec="mjpeg", rate=10)
    with av.open(str(path)) as container:
        packet = next(itertools.islice(container.demux(video=0), 8, None))
        smash(path, packet.pos + 8, 600)
    video = open_video_view("a", path)
    with pytest.raises(CaptureError, match=r"a.avi: .* 0\.[78]00 s"):
        shown(video, film, range(20))
    dropping = open_video_view("a", path, on_damage="drop")
    numbers = shown(dropping, film, range(20))
    assert numbers == [*range(8), None, *range(9, 20)]
    assert "the view drops out there" in caplog.text


def test_pictures_of_another_size_are_an_error(tmp_path, film):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.height, stream.width, stream.pix_fmt = *film.size, "yuvj420p"
        for position, size in enumerate([film.size] * 3 + [(64, 128)] * 3):
            frame = av.VideoFrame.from_ndarray(film.picture(position, size), format="rgb24")
            frame.pts, frame.time_base = position, Fraction(1, 10)
            encoder = av.CodecContext.create("mjpeg", "w")
            encoder.height, encoder.width, encoder.pix_fmt, encoder.time_base = *size, "yuvj420p", Fraction(1, 10)
            for packet in [*encoder.encode(frame), *encoder.encode()]:
                packet.stream = stream
                container.mux(packet)
    video = open_video_view("a", tmp_path / "a.mkv", on_damage="drop")
    with pytest.raises(
        CaptureError, match=r"expected pictures of one size .* got \(96, 160\) and, at 0.300 s, \(64, 128"
    ):
        shown(video, film, range(6))


@pytest.mark.parametrize("content", [b"", b"not a video" * 50])
def test_what_is_no_video_is_an_error(tmp_path, content):
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(CaptureError, match=r"a.mp4: expected a whole video, got: "):
        open_video_view("a", tmp_path / "a.mp4")


def test_a_video_without_pictures_is_an_error(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(CaptureError, match=r"a.mp4: expected a video, got a file without pictures"):
        open_video_view("a", tmp_path / "a.mp4")


def test_metadata_in_another_encoding_does_not_matter(tmp_path, film):
    path = film.write(tmp_path / "a.mp4", range(3))
    content = path.read_bytes()
    assert b"Lavf" in content
    path.write_bytes(content.replace(b"Lavf", "Ävf ".encode("latin-1")))
    assert shown(open_video_view("a", path), film, range(3)) == [0, 1, 2]


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mjpeg")])
@pytest.mark.parametrize("policy", ["error", "drop"])
def test_any_damage_ends_in_pictures_or_in_a_named_error(tmp_path, film, name, codec, policy):
    path = film.write(tmp_path / name, range(20), codec=codec, options=FASTSTART)
    whole, rng = path.read_bytes(), random.Random(20)
    for _ in range(20):
        content = bytearray(whole)
        for _ in range(rng.choice((1, 3, 20))):
            at, size = rng.randrange(len(content)), rng.choice((1, 4, 40, 400))
            content[at : at + size] = rng.randbytes(len(content[at : at + size]))
        path.write_bytes(content)
        try:
            video = open_video_view("a", path, on_damage=policy)
            images = list(video.read(np.arange(len(video.times_s), dtype=np.int32)))
        except CaptureError as error:
            message = str(error)
        else:
            message = f"{path}: "
            assert policy == "drop" or all(image is not None for image in images)
        assert message.startswith(f"{path}: ")


ONE = 1 << 16
SIGNS = list(itertools.product((-1, 1), repeat=2))
QUARTER_TURNS = [(a, 0, 0, d) for a, d in SIGNS] + [(0, b, c, 0) for b, c in SIGNS]


def matrix(a: float, b: float, c: float, d: float) -> bytes:
    entries = [a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30]
    return np.asarray(entries, dtype=np.int32).tobytes()


@pytest.mark.parametrize("entries", QUARTER_TURNS)
def test_every_pixel_lands_where_the_matrix_maps_it(entries):
    a, b, c, d = entries
    stored = np.random.default_rng(1).integers(0, 255, (3, 5, 3), dtype=np.uint8)
    orientation = orientation_from_matrix(matrix(a, b, c, d))
    image = orientation.upright(stored)
    assert orientation.size((3, 5)) == image.shape[:2]
    q, p = np.mgrid[:3, :5]
    x, y = a * p + c * q, b * p + d * q
    np.testing.assert_array_equal(image[y - y.min(), x - x.min()], stored)


def test_there_are_eight_orientations():
    orientations = {orientation_from_matrix(matrix(*q)) for q in QUARTER_TURNS}
    assert len(orientations) == 8
    assert orientation_from_matrix(matrix(1, 0, 0, 1)) == Orientation()


def test_upright_pictures_are_contiguous():
    stored = np.zeros((3, 5, 3), dtype=np.uint8)
    assert Orientation(transpose=True, flip_x=True).upright(stored).flags["C_CONTIGUOUS"]


@pytest.mark.parametrize("entries", [(0.7071, 0.7071, -0.7071, 0.7071), (0, 0, 0, 0), (2, 0, 0, 2), (1, 0, 1, 1)])
def test_no_quarter_turn_is_an_error(entries):
    with pytest.raises(ValueError, match="expected a quarter turn, got the display matrix"):
        orientation_from_matrix(matrix(*entries))
