"""Reading a video with PyAV: its packets, its pictures in order of time, and an index of them.

The index is made from the packets without decoding: time stamps, key frames, damage.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poseharvest.errors import CaptureError
from poseharvest.reading.budgets import MAX_PIXELS
from poseharvest.reading.guard import foreign_library

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream


from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


_MIN_MISSING_S = 0.1  # smallest excess of the stated duration that means missing pictures (less is rounding)


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
    import av

    with open_video(path) as (container, stream):
        stream.codec_context.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        if seek_pts is not None:
            with foreign_library(f"{path}: expected a video that can be read from a key frame on", CaptureError):
                container.seek(seek_pts, stream=stream)
        for packet in read_packets(container, stream, on_failure):
            try:
                frames = packet.decode()
            except av.error.FFmpegError as error:
                time_s = float((packet.pts or 0) * packet.time_base)
                on_failure(f"decoding fails at {time_s:.3f} s ({error.strerror})")
            else:
                yield from frames


def read_packets(
    container: InputContainer, stream: VideoStream, on_failure: Callable[[str], None]
) -> Iterator[Packet[VideoStream]]:
    """Yield the packets of a stream; if reading fails, call `on_failure` with a message and stop."""
    import av

    try:
        yield from container.demux(stream)
    except av.error.FFmpegError as error:
        on_failure(f"reading breaks off ({error.strerror})")


@dataclass(frozen=True, eq=False)
class VideoIndex:
    """The time stamps of the pictures of a video.

    Attributes:
        pts: (N,) int64 increasing presentation time stamps, in units of `time_base`.
        keyframe_pts: (K,) int64 time stamps of the key frames, where decoding can start.
        time_base: seconds per unit.
        start_pts: the time stamp of time 0.
        is_counted: True if the stamps only count the pictures in order of time. An AVI stores no presentation times,
            and for reordered pictures the estimates of FFmpeg are wrong. Such a video can only be decoded from its
            start.
        stated_rate: frame rate in the container; None if it has none.
        damage: description of the damage of the file; None if none was found.
    """

    pts: NDArray[np.int64]
    keyframe_pts: NDArray[np.int64]
    time_base: Fraction
    start_pts: int
    is_counted: bool
    stated_rate: float | None
    damage: str | None

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(N,) seconds."""
        return np.asarray((self.pts - self.start_pts) * float(self.time_base), dtype=np.float64)

    def time_s(self, number: int) -> float:
        """Return the time of picture `number`, seconds."""
        return float((int(self.pts[number]) - self.start_pts) * self.time_base)

    def number(self, pts: int | None) -> int | None:
        """Return the number of the picture with this stamp; None if there is none."""
        if pts is None:
            return None
        number = int(np.searchsorted(self.pts, pts))
        return number if number < len(self.pts) and self.pts[number] == pts else None

    def keyframes_before(self, number: int) -> list[int]:
        """Return the time stamps of the last two key frames before picture `number`, or of itself, the later one first.

        Without the first one of the file, where decoding starts anyway. Empty if it can only be decoded from there.
        """
        if self.is_counted:
            return []
        earlier = self.keyframe_pts[1:][self.keyframe_pts[1:] <= self.pts[number]]
        return [int(pts) for pts in earlier[:-3:-1]]


def index_video(path: Path) -> VideoIndex:
    """Return the index of a video. It reads the complete file once, without decoding.

    The pass over the file gives the true number of frames, the time stamps of a variable frame rate and the lost
    pictures. A truncated file is found at once, and not hours after the start of a run.

    Raises:
        CaptureError: the file cannot be opened, or holds no picture with a time stamp.
    """
    with open_video(path) as (container, stream):
        scan = _Scan()
        for packet in read_packets(container, stream, scan.failures.append):
            _note_packet(scan, packet)
        if not scan.pts:
            raise CaptureError(f"{path}: expected a video, got no readable picture")
        is_avi = _is_avi(container)
        is_counted = is_avi and scan.pts != scan.dts
        pts = np.unique(np.asarray(scan.dts if is_counted else scan.pts, dtype=np.int64))
        rate = stream.average_rate or stream.guessed_rate
        return VideoIndex(
            pts=pts,
            keyframe_pts=np.unique(np.asarray(scan.keyframe_pts, dtype=np.int64)),
            time_base=_time_base(stream),
            start_pts=int(pts[0]) if is_avi or _has_running_clock(container) else 0,
            is_counted=is_counted,
            stated_rate=float(rate) if rate else None,
            damage=_damage(container, stream, scan),
        )


@dataclass
class _Scan:
    pts: list[int] = field(default_factory=list)
    dts: list[int | None] = field(default_factory=list)
    keyframe_pts: list[int] = field(default_factory=list)
    end_pts: int = 0
    num_packets: int = 0
    num_broken: int = 0
    failures: list[str] = field(default_factory=list)


def _note_packet(scan: _Scan, packet: Packet[VideoStream]) -> None:
    if packet.size == 0:  # the demuxer marks the end in this way
        return
    scan.num_packets += 1
    if packet.is_corrupt or packet.pts is None:
        scan.num_broken += 1
    elif not packet.is_discard:  # removed by the edit list of the container
        scan.pts.append(packet.pts)
        scan.dts.append(packet.dts)
        scan.end_pts = max(scan.end_pts, packet.pts + (packet.duration or 0))
        if packet.is_keyframe:
            scan.keyframe_pts.append(packet.pts)


def _is_avi(container: InputContainer) -> bool:
    return container.format.name == "avi"


def _has_running_clock(container: InputContainer) -> bool:
    """Return whether it is a transport or program stream: its clock has any start, and we use 0 instead."""
    return container.format.name in {"mpegts", "mpeg"}


def _time_base(stream: VideoStream) -> Fraction:
    return stream.time_base or Fraction(1)


def _damage(container: InputContainer, stream: VideoStream, scan: _Scan) -> str | None:
    last_s = float(max(scan.pts) * _time_base(stream))
    # Other formats count pictures that the edit list removes, but their durations do not contain them.
    if _is_avi(container) and scan.num_packets < stream.frames:
        return f"it announces {stream.frames} pictures and holds {scan.num_packets}, the last at {last_s:.3f} s"
    if scan.failures:
        return f"{scan.failures[0]} after the picture at {last_s:.3f} s"
    if scan.num_broken:
        return (
            f"{scan.num_broken} of {scan.num_packets} pictures are incomplete, the last whole one is at {last_s:.3f} s"
        )
    missing_s = _announced_end_s(container, stream) - float(scan.end_pts * _time_base(stream))
    if missing_s > max(_MIN_MISSING_S, 3 * _mean_interval_s(stream, scan)):
        return f"it announces {missing_s:.3f} s more than it holds, the last picture is at {last_s:.3f} s"
    return None


def _announced_end_s(container: InputContainer, stream: VideoStream) -> float:
    """Return the end in the header, seconds; the duration of the container is used only without sound."""
    if stream.duration is not None:
        return float((stream.duration + (stream.start_time or 0)) * _time_base(stream))
    if container.duration is not None and len(container.streams) == 1:
        return container.duration / 1e6
    return 0.0


def _mean_interval_s(stream: VideoStream, scan: _Scan) -> float:
    return float((max(scan.pts) - min(scan.pts)) * _time_base(stream)) / max(len(scan.pts) - 1, 1)
