"""The stature that fits some limbs best, against a search limb by limb."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.proportions import fit_body, is_long, limb_range, usual_share


@given(st.lists(st.floats(0.6, 1.6), min_size=len(MPII16.limbs), max_size=len(MPII16.limbs)), st.floats(600, 2300))
def test_no_other_stature_fits_better(factors: list[float], stature_mm: float) -> None:
    lengths = {
        limb: factor * stature_mm * (usual_share(limb.parent, limb.child) or 1.0)
        for limb, factor in zip(MPII16.limbs, factors, strict=True)
    }

    def misfit(stature: float) -> float:
        total = 0.0
        for limb, length in lengths.items():
            expected = limb_range(limb)
            if expected is not None and is_long(limb):
                middle = expected.middle(stature) * (usual_share(limb.parent, limb.child) or 1.0) * stature
                total += abs(math.log(length / middle))
        return total

    fit = fit_body(lengths)
    assert fit is not None
    step = 1.01 ** len([limb for limb in MPII16.limbs if is_long(limb)])  # the search goes by 1 %
    others = [misfit(300 * 1.003**number) for number in range(900)]
    assert misfit(fit.stature_mm) <= min(others) + math.log(step)


def test_a_body_of_usual_limbs_has_its_own_stature() -> None:
    lengths = {limb: 1750 * (usual_share(limb.parent, limb.child) or 1.0) for limb in MPII16.limbs}
    fit = fit_body(lengths)
    assert fit is not None
    assert fit.stature_mm == pytest.approx(1750, rel=0.01)
    assert fit.misfits == ()
