"""The shells of Eq. (2): their radii, their borders, and the limb lengths behind them."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pictorial_kit import STICK, STICK_LENGTHS
from poseharvest.errors import ConfigError
from poseharvest.pictorial.backends.pair_matrices import weigh_
from poseharvest.pictorial.pairwise import BlockShell, Shell, limb_shell
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.human import BODY25B
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.proportions import usual_share


@given(length=st.floats(10, 300), voxel=st.floats(15, 40), share=st.floats(0.9, 2))
@settings(max_examples=40, deadline=None)
def test_the_kernel_holds_every_offset_of_the_right_length_and_no_other(length, voxel, share):
    kernel = limb_shell(length, share * voxel, voxel).kernel()
    radius = kernel.shape[0] // 2
    offsets = torch.tensor(list(itertools.product(range(-radius, radius + 1), repeat=3)), dtype=torch.float64)
    error = (torch.linalg.vector_norm(offsets, dim=1) * voxel - length).abs()
    clear = (error - share * voxel).abs() > 1e-6  # on the very border rounding may decide in this sum
    assert torch.equal(kernel.flatten()[clear] > 0, (error <= share * voxel)[clear])
    outside = (radius + 1) * voxel - length
    assert outside > share * voxel - 1e-6


@pytest.mark.parametrize("voxel", [1.0, 33.0, 100 / 3, 0.1, 7e4])
def test_offsets_on_the_border_belong_to_the_shell_whatever_the_unit(voxel):
    shell = limb_shell(4 * voxel, voxel, voxel)
    assert (shell.min_squared, shell.max_squared) == (9, 25)
    assert shell.radius == 5


def test_a_limb_shorter_than_the_tolerance_lets_joints_coincide():
    shell = limb_shell(10.0, 30.0, 25.0)
    assert shell.min_squared == 0
    assert float(shell.kernel()[1, 1, 1]) == 1


def test_the_kernel_looks_the_same_from_all_sides():
    kernel = Shell(9, 17).kernel(torch.float32)
    assert kernel.dtype == torch.float32
    for other in (kernel.flip(0), kernel.flip(2), kernel.permute(2, 0, 1)):
        assert torch.equal(kernel, other)


def test_a_tolerance_too_small_for_the_grid_is_refused():
    with pytest.raises(ConfigError, match=r"limb of 132.5 mm: no voxel offset lies within 0.1 mm of it on a grid of"):
        limb_shell(132.5, 0.1, 50.0)


def test_missing_and_senseless_lengths_are_refused():
    for wrong in (None, 0.0, -3.0, float("nan"), float("inf")):
        lengths = {k: v for k, v in STICK_LENGTHS.mm.items() if k != ("head", "hand")}
        if wrong is not None:
            lengths["head", "hand"] = wrong
        with pytest.raises(ConfigError, match=f'positive length of "head-hand" in mm, got {wrong}'):
            LimbLengths(lengths).of(STICK)


def test_the_longest_path_goes_from_leaf_to_leaf():
    assert STICK_LENGTHS.longest_path_mm(STICK) == pytest.approx(350 + 420 + 600)


def test_feet_do_not_enlarge_the_volume():
    def path(skeleton):
        lengths = {(limb.parent, limb.child): 1750.0 * usual_share(limb.parent, limb.child) for limb in skeleton.limbs}
        return LimbLengths(lengths).longest_path_mm(skeleton)

    with_feet = path(BODY25B)
    assert with_feet == pytest.approx(path(MPII16))
    # Arms up, toes pointed: the whole of a body along one line, but for the half widths.
    stretched = [("left_elbow", "left_wrist"), ("left_shoulder", "left_elbow"), ("thorax", "pelvis")]
    stretched += [("left_hip", "left_knee"), ("left_knee", "left_ankle"), ("left_ankle", "left_big_toe")]
    assert sum(1750.0 * usual_share(*limb) for limb in stretched) < with_feet


@pytest.mark.parametrize(("length", "edge"), [(12.0, 2), (9.0, 2), (13.0, 4), (20.0, 8)])
def test_a_block_shell_is_about_the_share_of_joined_voxels(length, edge, generator):
    """Monte Carlo: voxels in two blocks, against the shell between the blocks' middles."""
    middles = torch.randint(0, 6, (400, 3), generator=generator).double()
    within = torch.rand(400, 2000, 3, generator=generator) - torch.rand(400, 2000, 3, generator=generator)
    apart = torch.linalg.vector_norm(middles[:, None] + within, dim=-1) * edge
    joined = ((apart - length).abs() <= 1).double().mean(1)
    weights = weigh_(BlockShell(length / edge, 1 / edge), middles.square().sum(-1))
    assert float(torch.corrcoef(torch.stack((joined, weights)))[0, 1]) > 0.85
    assert float(joined[weights == 0].max()) < 0.1 * float(joined.max())  # nothing that matters is cut off
