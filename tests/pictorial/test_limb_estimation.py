"""Limb lengths: robust statistics, by hand; and files of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.errors import ConfigError, ShapeError
from poseharvest.pictorial.limb_estimation import PoseSamples, estimate_limb_lengths, match_shells
from poseharvest.skeleton.limb_lengths import LimbLengths, read_limb_lengths
from poseharvest.skeleton.skeleton import Limb, Skeleton

T = Skeleton(
    "T", ("hub", "left", "right", "top"), tuple(Limb("hub", j) for j in ("left", "right", "top")), (("left", "right"),)
)


def samples(lengths: list[tuple[float, float, float]], spread: list[list[float]] | None = None) -> PoseSamples:
    """Frames in which the three limbs have these lengths; left, right and top along x, -x and y."""
    directions = torch.tensor([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0]], dtype=torch.float64)
    ends = torch.tensor(lengths, dtype=torch.float64)[..., None] * directions
    points = torch.cat((torch.zeros(len(lengths), 1, 3, dtype=torch.float64), ends), 1)
    return PoseSamples(points, torch.zeros(points.shape[:2]) if spread is None else torch.tensor(spread))


def test_sides_share_the_median() -> None:
    """Left 100 and right 102 in three frames each: the median of six; top by itself."""
    found = estimate_limb_lengths(T, samples([(100, 102, 50), (100, 102, 60), (101, 103, 70)]))
    assert found.mm["hub", "left"] == found.mm["hub", "right"]
    assert 100 <= found.mm["hub", "left"] <= 102
    assert found.mm["hub", "top"] == 60


@given(st.permutations(range(6)), st.floats(-500, 500))
def test_neither_order_nor_place_matters(order: list[int], shift: float) -> None:
    frames = samples(
        [(100 + i, 103 + i, 50 - i) for i in range(6)], [[0.1 * i + 0.01 * j for j in range(4)] for i in range(6)]
    )
    moved = PoseSamples(frames.points[list(order)] + shift, frames.spread[list(order)])
    expected, found = estimate_limb_lengths(T, frames), estimate_limb_lengths(T, moved)
    assert found.mm == pytest.approx(expected.mm)


def test_doubtful_frames_are_ignored() -> None:
    """The worse half, in which the joint sat on another limb."""
    lengths = [(100, 100, 50)] * 4 + [(300, 300, 400)] * 4
    spread = [[0.0, 0.1, 0.1, 0.1]] * 4 + [[0.0, 0.2, 0.2, 0.2]] * 4
    found = estimate_limb_lengths(T, samples(lengths, spread))
    assert set(found.mm.values()) == {100, 50}


def test_a_limb_seen_in_fewer_than_three_frames_is_left_out() -> None:
    inf = float("inf")
    spread = [[0.0, 0.0, inf, 0.0], [0.0, 0.0, inf, 0.0], [0.0, inf, 0.0, inf]]
    found = estimate_limb_lengths(T, samples([(100, 100, 50)] * 3, spread))
    assert found.mm == {("hub", "left"): 100, ("hub", "right"): 100}  # three sides of three frames


def test_shells_grow_until_the_posterior_fits() -> None:
    """A posterior that shortens every limb by 12 mm but never the top, and never shows it whole."""

    def infer(radii: LimbLengths) -> PoseSamples:
        frame = tuple(radii.mm["hub", joint] - 12 for joint in ("left", "right", "top"))
        return samples([frame] * 3, [[0.0, 0.0, 0.0, float("inf")]] * 3)

    lengths = LimbLengths({("hub", "left"): 100.0, ("hub", "right"): 100.0, ("hub", "top"): 50.0})
    assert match_shells(T, lengths, infer).mm == {("hub", "left"): 112, ("hub", "right"): 112, ("hub", "top"): 50}


def test_shells_neither_shrink_nor_run_away() -> None:
    lengths = LimbLengths({("hub", joint): 100.0 for joint in ("left", "right", "top")})
    assert set(match_shells(T, lengths, lambda radii: samples([(500.0,) * 3] * 3)).mm.values()) == {100}
    assert set(match_shells(T, lengths, lambda radii: samples([(1.0,) * 3] * 3)).mm.values()) == {160}


def test_sizes_must_fit() -> None:
    with pytest.raises(ShapeError, match=r"points: expected shape \(F J 3\) with J=4, got \(3, 2, 3\)"):
        estimate_limb_lengths(T, PoseSamples(torch.zeros(3, 2, 3), torch.zeros(3, 2)))
    with pytest.raises(ShapeError, match="spread: expected shape"):
        estimate_limb_lengths(T, PoseSamples(torch.zeros(3, 4, 3), torch.zeros(2, 4)))


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "subject.toml"
    path.write_text(text)
    return path


def test_a_file_of_lengths(tmp_path: Path) -> None:
    path = write(tmp_path, '[limb_lengths_mm]\n"hub-left" = 100\n"hub-right" = 100.5\n')
    assert read_limb_lengths(path).mm == {("hub", "left"): 100.0, ("hub", "right"): 100.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"subject.toml: expected a table \[limb_lengths_mm\], got none"),
        ("limb_lengths_mm = 3", r"subject.toml: expected a table \[limb_lengths_mm\]"),
        (
            '[limb_lengths_mm]\n"hub-left" = "long"',
            r"expected \"parent-child\" = length in mm, got 'hub-left' = 'long'",
        ),
        ('[limb_lengths_mm]\n"hub-left" = true', r"got 'hub-left' = True"),
        (f'[limb_lengths_mm]\n"hub-left" = 1{"0" * 400}', r"length in mm, got 'hub-left' = 10{39}$"),
        ("[limb_lengths_mm]\nhub = 3.0", r"got 'hub' = 3.0"),
        ("[limb_lengths_mm", r"subject.toml: limb lengths: not valid TOML: "),
    ],
)
def test_a_file_that_holds_something_else(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_limb_lengths(write(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.toml: limb lengths: cannot be read: No such file"):
        read_limb_lengths(tmp_path / "none.toml")
