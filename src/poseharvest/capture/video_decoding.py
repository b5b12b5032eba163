"""Opening a video and decoding its pictures in order of time, with PyAV."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poseharvest.errors import CaptureError
from poseharvest.reading.budgets import MAX_PIXELS
from poseharvest.reading.guard import foreign_library

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


_ONLY_THIS_FILE = {"protocol_whitelist": "file"}
_PLAYLISTS = frozenset({"hls", "concat", "dash", "imf", "lavfi"})


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video and its main video stream.

    Raises:
        CaptureError: the file cannot be opened, holds no pictures, or cannot be read while it is open.
    """
    import av

    if not path.is_file():
        raise CaptureError(f"{path}: expected a video, found no such file")
    expected = f"{path}: expected a whole video"
    with foreign_library(expected, CaptureError):
        # "file:" and the options: a list of addresses, which FFmpeg plays as well, must not make it open any.
        container = av.open(f"file:{path}", options=_ONLY_THIS_FILE, **_open_options(av.__version__))
    with container:
        with foreign_library(expected, CaptureError):
            stream = container.streams.best("video")
        if not isinstance(stream, av.VideoStream) or not hasattr(stream.codec_context, "thread_type"):
            raise CaptureError(f"{path}: expected a video, got a file without pictures that can be decoded")
        if container.format.name in _PLAYLISTS or stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
            raise CaptureError(f"{path}: expected a video of at most {MAX_PIXELS} pixels a picture, got something else")
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        try:
            yield container, stream
        except (av.error.FFmpegError, OSError) as error:
            raise CaptureError(f"{expected}, got: {error.strerror}") from error


def _open_options(version: str) -> dict[str, Any]:
    """Return options so that PyAV accepts metadata in any encoding; from version 19 on none are needed."""
    return {"metadata_errors": "replace"} if int(version.partition(".")[0]) < 19 else {}


def decode_frames(
    path: Path, *, on_failure: Callable[[str], None], seek_pts: int | None = None, threads: int = 1
) -> Iterator[VideoFrame]:
    """Yield the frames of a video in order of time.

    Args:
        path: the file.
        on_failure: called with a message if a packet cannot be decoded; decoding continues if it returns.
        seek_pts: start at this key frame, or somewhat earlier; None starts at the first picture.
        threads: number of threads of the decoder.

    Raises:
        CaptureError: the file cannot be opened.
    """
    with open_video(path) as (container, stream):
        stream.codec_context.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        if seek_pts is not None:
            with foreign_library(f"{path}: expected a video that can be read from a key frame on", CaptureError):
                container.seek(seek_pts, stream=stream)
        for packet in read_packets(container, stream, on_failure):
            yield from _decode_packet(packet, on_failure)


def read_packets(
    container: InputContainer, stream: VideoStream, on_failure: Callable[[str], None]
) -> Iterator[Packet[VideoStream]]:
    """Yield the packets of a stream; if reading fails, call `on_failure` with a message and stop."""
    import av

    try:
        yield from container.demux(stream)
    except av.error.FFmpegError as error:
        on_failure(f"reading breaks off ({error.strerror})")


def _decode_packet(packet: Packet[VideoStream], on_failure: Callable[[str], None]) -> list[VideoFrame]:
    import av

    try:
        return packet.decode()
    except av.error.FFmpegError as error:
        time_s = float((packet.pts or 0) * packet.time_base)
        on_failure(f"decoding fails at {time_s:.3f} s ({error.strerror})")
        return []
