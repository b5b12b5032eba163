"""Random skeletons for the laws."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from poseharvest.skeleton.skeleton import Limb, Skeleton

_NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=6)


@st.composite
def _skeletons(draw: st.DrawFn) -> Skeleton:
    joints = draw(st.lists(_NAMES, min_size=1, max_size=9, unique=True))
    parents = [draw(st.integers(0, i)) for i in range(len(joints) - 1)]
    tree = [Limb(joints[parent], joints[i + 1]) for i, parent in enumerate(parents)]
    shuffled = draw(st.permutations(joints))
    num_pairs = draw(st.integers(0, len(joints) // 2))
    return Skeleton(
        name=draw(_NAMES),
        joints=tuple(draw(st.permutations(joints))),
        limbs=tuple(draw(st.permutations(tree))),
        flip_pairs=tuple((shuffled[2 * i], shuffled[2 * i + 1]) for i in range(num_pairs)),
    )


@pytest.fixture(scope="session")
def skeletons() -> st.SearchStrategy[Skeleton]:
    """Trees over joints with any names, limbs in any order, some joints paired."""
    return _skeletons()
