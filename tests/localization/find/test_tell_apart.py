"""Heatmaps cleared of others: their peaks go, the own ones stay."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.geometry.crop import Crop
from poseharvest.heatmaps.encode import gaussian_maps
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.localization.find.tell_apart import remove_others_from_view, removed_share

SIZE = (64, 48)
CROP = Crop((300.0, 200.0), 240.0)
OWN, OTHER = torch.tensor([[300.0, 180.0]]).double(), torch.tensor([[360.0, 220.0]]).double()


def bump(pixels: torch.Tensor) -> torch.Tensor:
    return gaussian_maps(CROP.to_window(pixels, SIZE), SIZE, sigma_px=1.0).float()


def peak(values: torch.Tensor, pixels: torch.Tensor) -> float:
    x, y = CROP.to_window(pixels, SIZE)[0].round().long().tolist()
    return float(values[0, y, x])


def test_the_others_peak_goes_and_the_own_stays() -> None:
    both = torch.maximum(bump(OWN), bump(OTHER))
    cleared = remove_others_from_view(both, CROP, OWN, OTHER[None])
    assert peak(cleared, OWN) > 0.95 * peak(both, OWN)
    assert peak(cleared, OTHER) < 0.05 * peak(both, OTHER)


def test_a_peak_that_is_nobodys_stays() -> None:
    elsewhere = torch.tensor([[240.0, 280.0]]).double()
    values = bump(elsewhere)
    torch.testing.assert_close(remove_others_from_view(values, CROP, OWN, OTHER[None]), values, atol=0.01, rtol=0)


def test_where_both_joints_are_at_one_place_nothing_is_taken() -> None:
    values = bump(OWN)
    torch.testing.assert_close(remove_others_from_view(values, CROP, OWN, OWN[None]), values)


def test_unknown_joints_take_nothing_and_lose_only_what_is_on_others() -> None:
    nowhere = torch.full_like(OWN, torch.nan)
    both = torch.maximum(bump(OWN), bump(OTHER))
    torch.testing.assert_close(remove_others_from_view(both, CROP, OWN, nowhere[None]), both)
    cleared = remove_others_from_view(both, CROP, nowhere, OTHER[None])
    assert peak(cleared, OTHER) < 0.05
    assert peak(cleared, OWN) > 0.9 * peak(both, OWN)


def test_a_share_is_taken_out_where_the_only_peak_was_anothers() -> None:
    """Of two joints, one has a peak of its own left."""
    both, others = torch.maximum(bump(OWN), bump(OTHER)), bump(OTHER)
    whole = Heatmaps(torch.cat((both, others))[None], (CROP,))
    cleared = remove_others_from_view(torch.cat((both, others)), CROP, OWN.expand(2, 2), OTHER.expand(1, 2, 2))
    assert removed_share(whole, Heatmaps(cleared[None], (CROP,))) == 0.5
    assert removed_share(whole, whole) == 0


@given(st.integers(0, 2**16), st.integers(0, 3))
def test_it_only_ever_takes(seed: int, num_others: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn((2, *SIZE), generator=generator)
    places = 180 + 240 * torch.rand((num_others + 1, 2, 2), generator=generator, dtype=torch.float64)
    cleared = remove_others_from_view(values, CROP, places[0], places[1:])
    assert bool((cleared <= values).all())
    assert bool((cleared[values > 0] >= 0).all())
    torch.testing.assert_close(cleared[values <= 0], values[values <= 0])
