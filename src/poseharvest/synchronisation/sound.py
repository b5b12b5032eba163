"""Offsets between videos from their sound: all microphones hear the same, each at its own time.

Sound needs 3 ms for a metre, so a clap beside one camera reaches another one later. No correction is made for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

from poseharvest.errors import CaptureError
from poseharvest.synchronisation.clock_search import ClocksFound, ViewClock
from poseharvest.synchronisation.view_joints import Floats

SAMPLE_RATE = 16_000
_BAND_HZ = (100.0, 6000.0)  # hum below it, hiss above it
_MIN_LEAD = 1.5  # highest peak of the correlation over the next one
_SAME_PEAK_S = 0.03  # echoes of a room
_SIGMA_S = 0.003  # of the way of sound: a metre
_LONGEST_S = 600.0


@dataclass(frozen=True, eq=False)
class Sound:
    """What a camera heard.

    Attributes:
        samples: (N,) of one channel, at `SAMPLE_RATE`.
        start_s: time of the first sample on the clock of the video's pictures, seconds.
    """

    samples: Floats
    start_s: float


def read_sound(path: Path, longest_s: float = _LONGEST_S) -> Sound:
    """Return the sound of a video, mixed to one channel.

    Args:
        path: the video.
        longest_s: how much of it is read, seconds.

    Raises:
        CaptureError: the file has no sound that can be decoded.
    """
    try:
        with av.open(str(path)) as container:
            sound = _decode(container, longest_s) if container.streams.audio else None
    except av.error.FFmpegError as error:
        raise CaptureError(f"{path}: expected sound that can be decoded, got {error}") from error
    if sound is None:
        raise CaptureError(f"{path}: expected a video with sound, got one without; --by motion needs none")
    return sound


def _decode(container: InputContainer, longest_s: float) -> Sound | None:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    parts: list[Floats] = []
    start_s = 0.0
    for frame in container.decode(audio=0):
        if not parts:
            start_s = float(frame.time or 0.0)
        parts += [part.to_ndarray().ravel().astype(np.float64) for part in resampler.resample(frame)]
        if sum(map(len, parts)) > longest_s * SAMPLE_RATE:
            break
    return Sound(np.concatenate(parts), start_s) if parts else None


@dataclass(frozen=True)
class HeardOffset:
    """An offset between two sounds.

    Attributes:
        offset_s: time to add to the clock of the second sound, seconds.
        lead: height of the correlation there over the highest one elsewhere, 1 or more.
    """

    offset_s: float
    lead: float


def offset_between(first: Sound, second: Sound, max_offset_s: float) -> HeardOffset:
    """Return the offset at which two sounds agree best.

    All frequencies of a band count alike (the phase transform of Knapp and Carter 1976), so that the correlation is a
    narrow peak whatever is heard.

    Args:
        first: the sound of the reference.
        second: the other one.
        max_offset_s: the largest offset, seconds.
    """
    size = next_fast_len(len(first.samples) + len(second.samples), real=True)
    cross = rfft(first.samples, size) * np.conj(rfft(second.samples, size))
    frequency = rfftfreq(size, 1 / SAMPLE_RATE)
    in_band = (frequency > _BAND_HZ[0]) & (frequency < _BAND_HZ[1])
    correlation = irfft(np.where(in_band, cross / np.maximum(np.abs(cross), 1e-12), 0.0), size)
    lags = np.arange(size)
    # A lag above half the size is a negative one.
    offsets_s = np.where(lags > size // 2, lags - size, lags) / SAMPLE_RATE + first.start_s - second.start_s
    heights = np.where(np.abs(offsets_s) <= max_offset_s, correlation, -np.inf)
    best = int(np.argmax(heights))
    elsewhere = heights[np.abs(offsets_s - offsets_s[best]) > _SAME_PEAK_S].max(initial=0.0)
    return HeardOffset(float(offsets_s[best]), float(heights[best] / max(elsewhere, 1e-12)))


def clocks_by_sound(
    views: Sequence[str], sounds: Sequence[Sound], *, period_s: float, max_offset_s: float
) -> ClocksFound:
    """Return the clocks of views by what they heard.

    Args:
        views: names of the views; the first is the reference.
        sounds: what each of them heard.
        period_s: time from one picture to the next, seconds.
        max_offset_s: the largest offset, seconds.
    """
    clocks = [ViewClock(views[0], 0.0, 0.0)]
    for view, sound in zip(views[1:], sounds[1:], strict=True):
        offset = offset_between(sounds[0], sound, max_offset_s)
        doubt = "" if offset.lead >= _MIN_LEAD else "the sounds agree at another offset nearly as well"
        clocks.append(ViewClock(view, offset.offset_s, _SIGMA_S, doubt=doubt))
    return ClocksFound(tuple(clocks), 0.0, period_s)
