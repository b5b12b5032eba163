"""Offsets from sound and from time codes, on videos with known ones."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from poseharvest.errors import CaptureError
from poseharvest.synchronisation.sound import SAMPLE_RATE, Sound, clocks_by_sound, offset_between, read_sound
from poseharvest.synchronisation.time_codes import clocks_by_time_code, read_time_code, time_code_s

Floats = NDArray[np.float64]


def noise(seconds: float, seed: int) -> Floats:
    """Something to hear: bursts of noise at irregular times."""
    rng = np.random.default_rng(seed)
    samples = 0.01 * rng.standard_normal(round(seconds * SAMPLE_RATE))
    for start in rng.integers(0, len(samples) - 2000, round(3 * seconds)):
        samples[start : start + 2000] += 0.3 * rng.standard_normal(2000) * np.exp(-np.arange(2000) / 400)
    return samples


@pytest.mark.parametrize("offset_s", [0.0, 0.731, -1.25])
def test_a_known_offset_comes_back(offset_s: float) -> None:
    """The second microphone is quieter, hears an echo and its own noise."""
    sound = noise(8.0, 1)
    echo = sound + 0.5 * np.roll(sound, 700)
    shift = round(max(0.0, -offset_s) * SAMPLE_RATE)
    lead = round(max(0.0, offset_s) * SAMPLE_RATE)
    first, second = Sound(sound[shift:], 0.0), Sound(0.2 * echo[lead:] + 0.01 * noise(8.0, 2)[lead:], 0.0)
    found = offset_between(first, second, 3.0)
    assert found.offset_s == pytest.approx(offset_s, abs=2e-4)
    assert found.lead > 2


def test_two_sounds_that_have_nothing_in_common_are_not_sure() -> None:
    clocks = clocks_by_sound(
        ["a", "b"], [Sound(noise(5.0, 1), 0.0), Sound(noise(5.0, 2), 0.0)], period_s=0.04, max_offset_s=3.0
    )
    assert not clocks.are_sure


def film(path: Path, samples: Floats | None, *, time_code: str | None = None, rate: int = 25) -> Path:
    """A short grey video, with sound or with a time code."""
    options = {} if time_code is None else {"timecode": time_code}
    with av.open(str(path), "w", options={}) as container:
        if time_code is not None:
            container.metadata["timecode"] = time_code
        pictures = container.add_stream("libx264", rate=rate, options=options)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound = None if samples is None else container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        for index in range(10):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90 + index, np.uint8), format="rgb24")
            container.mux(pictures.encode(picture))
        container.mux(pictures.encode())
        if sound is not None and samples is not None:
            whole = samples[: len(samples) // 1024 * 1024].astype(np.float32).reshape(-1, 1, 1024)
            for number, part in enumerate(whole):
                frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, number * 1024, Fraction(1, SAMPLE_RATE)
                container.mux(sound.encode(frame))
            container.mux(sound.encode())
    return path


def test_the_sound_of_videos(tmp_path: Path) -> None:
    sound = noise(6.0, 3)
    first = read_sound(film(tmp_path / "a.mp4", sound))
    second = read_sound(film(tmp_path / "b.mp4", sound[SAMPLE_RATE // 2 :]))
    clocks = clocks_by_sound(["a", "b"], [first, second], period_s=0.04, max_offset_s=3.0)
    assert clocks.are_sure
    assert clocks.clocks[1].offset_s == pytest.approx(0.5, abs=0.002)


def test_a_video_without_sound_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"a\.mp4: expected a video with sound"):
        read_sound(film(tmp_path / "a.mp4", None))


def test_the_time_code_of_a_video(tmp_path: Path) -> None:
    assert read_time_code(film(tmp_path / "a.mov", None, time_code="10:02:31:12")) == "10:02:31:12"
    assert read_time_code(film(tmp_path / "b.mov", None)) is None


def test_offsets_by_time_codes() -> None:
    clocks = clocks_by_time_code(["a", "b"], ["23:59:59:00", "00:00:01:05"], [0.0, 0.2], [25.0, 25.0])
    assert clocks.clocks[1].offset_s == pytest.approx(2.2 - 0.2)
    with pytest.raises(CaptureError, match="got none in those of b"):
        clocks_by_time_code(["a", "b"], ["23:59:59:00", None], [0.0, 0.2], [25.0, 25.0])


@pytest.mark.parametrize("text", ["", "10:02:31", "10:02:31:25", "a:b:c:d"])
def test_what_is_no_time_code_is_named(text: str) -> None:
    with pytest.raises(CaptureError, match="time code"):
        time_code_s(text, 25)


@given(minutes=st.integers(0, 24 * 60 - 2))
def test_codes_that_leave_numbers_out_count_every_picture(minutes: int) -> None:
    """From the last picture of a minute to the first of the next one it is one picture."""
    rate = 30000 / 1001
    hour, minute = divmod(minutes, 60)
    after_hour, after_minute = divmod(minutes + 1, 60)
    first = 0 if after_minute % 10 == 0 else 2
    before = time_code_s(f"{hour:02d}:{minute:02d}:59;29", rate)
    after = time_code_s(f"{after_hour:02d}:{after_minute:02d}:00;{first:02d}", rate)
    assert (after - before) * rate == pytest.approx(1, abs=1e-6)


def test_a_day_of_codes_that_leave_numbers_out_is_a_day() -> None:
    assert time_code_s("23:59:59;29", 30000 / 1001) == pytest.approx(24 * 3600, abs=0.2)
