"""The search for the voxels that matter, and its agreement with the reference over all voxels."""

from __future__ import annotations

import math

import pytest
import torch

from pictorial_kit import STICK, STICK_LENGTHS, STICK_POINTS, ring, seen_by, without_view
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial import infer as infer_module
from poseharvest.pictorial.backends.compiled_backend import CompiledBackend
from poseharvest.pictorial.backends.pair_matrices import BlockMessenger
from poseharvest.pictorial.backends.tensor_backend import TensorBackend
from poseharvest.pictorial.blocks import Blocks, Rows, all_blocks, cube_of_blocks
from poseharvest.pictorial.coarse_to_fine import Budget, find_marginals
from poseharvest.pictorial.evidence import BatchEvidence, FrameEvidence, Likelihood
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.pictorial.posterior import JointPosterior, cube
from poseharvest.pictorial.unary import back_project

CENTER = torch.tensor([20.0, -10.0, 850.0], dtype=torch.float64)


def frame(num_views: int = 4, seed: int | None = None, **look) -> FrameEvidence:
    cameras = ring(num_views)
    heatmaps = seen_by(cameras, STICK_POINTS, **look)
    if seed is not None:
        noise = torch.randn(heatmaps.values.shape, generator=torch.Generator().manual_seed(seed))
        heatmaps = Heatmaps(heatmaps.values + 0.02 * noise, heatmaps.crops)
    return FrameEvidence(heatmaps, cameras, CENTER)


def infer(frames: list[FrameEvidence], **options) -> list[JointPosterior]:
    model = PictorialStructures(STICK, STICK_LENGTHS, InferenceOptions(**options), dtype=torch.float64)
    return model.infer_many(frames)


def hidden(evidence: FrameEvidence, joint: str, views: tuple[int, ...]) -> FrameEvidence:
    values = evidence.heatmaps.values.clone()
    values[list(views), STICK.index(joint)] = 0
    return FrameEvidence(Heatmaps(values, evidence.heatmaps.crops), evidence.cameras, evidence.center)


def covering(resolution: int, edge: int, frames: int = 1, joints: int = 1) -> Blocks:
    cube = cube_of_blocks(math.ceil(resolution / edge), CENTER)
    segment = torch.arange(frames * joints).repeat_interleave(cube.shape[1])
    return Blocks(cube.repeat(1, frames * joints), segment, edge, resolution, frames, joints)


@pytest.mark.parametrize(("resolution", "edge"), [(8, 8), (20, 4), (24, 2)])
def test_halving_blocks_covers_every_voxel_once(resolution, edge):
    blocks = covering(resolution, edge, frames=2)
    while blocks.edge > 1:
        blocks = blocks.halved()
    inside = (blocks.corner < resolution).all(0)
    for number in (0, 1):
        corner = blocks.corner[:, inside & (blocks.frame == number)].long()
        assert corner.shape[1] == resolution**3
        assert torch.unique(corner, dim=1).shape[1] == resolution**3
        assert int(corner.max()) == resolution - 1


@pytest.mark.parametrize("resolution", [9, 16, 50, 64, 100, 256])
def test_the_coarsest_level_is_small(resolution):
    blocks = all_blocks(resolution, 2, 3, CENTER.dtype, CENTER.device)
    assert 4 < blocks.along <= 8
    assert blocks.corner.shape[1] == 6 * blocks.along**3


def test_rows_and_back():
    segment = torch.tensor([0, 1, 1, 3, 4, 5])
    blocks = Blocks(torch.arange(18.0).reshape(3, 6), segment, 1, 64, 2, 3)
    assert blocks.frame.tolist() == [0, 1, 1, 1, 0, 1]
    rows = Rows(blocks)
    assert rows.counts == [[1, 2], [0, 1], [1, 1]]
    padded = rows.padded(torch.arange(6.0), -1.0)
    assert padded[0].tolist() == [[0.0, -1.0], [1.0, 2.0]]
    assert padded[1].tolist() == [[-1.0], [3.0]]
    assert rows.flat(padded).tolist() == list(range(6))
    assert rows.listings()[0].positions[:, 1, 1].tolist() == [2.0, 8.0, 14.0]


def test_the_evidence_of_voxels_is_that_of_the_reference():
    frames = [frame(3, seed=1), frame(3, seed=2), hidden(hidden(frame(3, seed=3), "head", (0,)), "foot", (0, 2))]
    absent = FrameEvidence(without_view(frames[1].heatmaps, 1), frames[1].cameras, CENTER + 40)
    frames.append(absent)
    volumes = [cube(f.center, 1500.0, 11) for f in frames]  # an odd number of voxels: some halves lie beyond
    evidence = BatchEvidence(frames, volumes, Likelihood(0.01), CompiledBackend())
    blocks = covering(11, 2, frames=4, joints=4)
    listed = evidence.halves(blocks)
    inside = (blocks.halved().corner < 11).all(0)
    assert torch.equal(torch.isfinite(listed.flatten()), inside)
    x, y, z = blocks.halved().corner[:, inside].long().reshape(3, 4, 4, -1)[:, 0, 0]
    found = listed.flatten()[inside].reshape(4, 4, -1)
    for number, (one, volume) in enumerate(zip(frames, volumes, strict=True)):
        expected = back_project(one.heatmaps, one.cameras, volume, 0.01).log_values[:, x, y, z]
        torch.testing.assert_close(found[:, number], expected, rtol=0, atol=1e-9)


def test_some_blocks_are_told_what_all_are(generator):
    evidence = BatchEvidence(
        [frame(4, seed=1), frame(4, seed=2)], [cube(CENTER, 1370.0, 32)] * 2, Likelihood(0.01), CompiledBackend()
    )
    blocks = covering(32, 4, frames=2, joints=4)
    some = (torch.rand(blocks.corner.shape[1], generator=generator) < 0.1).nonzero().squeeze(1)
    found = evidence.halves(blocks.select(some))
    torch.testing.assert_close(found, evidence.halves(blocks)[some], rtol=0, atol=1e-9)


def test_half_a_block_is_worth_about_the_mean_of_its_voxels():
    evidence = BatchEvidence([frame()], [cube(CENTER, 1370.0, 32)], Likelihood(0.01), CompiledBackend())
    blocks = covering(32, 8, joints=4)
    coarse = evidence.halves(blocks).flatten()
    fine = evidence.halves(blocks.halved().halved()).exp()
    mean = fine.reshape(len(coarse), 64).mean(1)
    of_joints = coarse.exp().reshape(4, -1).sum(1) / mean.reshape(4, -1).sum(1)
    assert float(of_joints.min()) > 0.5
    assert float(of_joints.max()) < 20
    important = mean > 1e-3 * mean.max()
    assert float((coarse.exp() / mean)[important].min()) > 0.2


@pytest.mark.parametrize("backend", [CompiledBackend(), TensorBackend()], ids=["compiled", "tensors"])
def test_a_block_gets_what_a_map_shows_at_its_voxels_although_its_middle_lies_beside_the_map(backend):
    """A map of ones in a window smaller than the cube: a block is worth nothing only where its voxels are."""
    cameras = ring(1)
    heatmaps = seen_by(cameras, STICK_POINTS, scale=0.8)
    heatmaps.values[:] = 1
    whole = FrameEvidence(heatmaps, cameras, CENTER)
    evidence = BatchEvidence([whole], [cube(CENTER, 1370.0, 32)], Likelihood(1e-3), backend)
    blocks = covering(32, 8, joints=4)
    coarse = evidence.halves(blocks).exp().flatten()
    mean = evidence.halves(blocks.halved().halved()).exp().reshape(len(coarse), 64).mean(1)
    assert float(mean.min()) < 1e-11  # some voxels lie outside
    assert int((mean < 0.1).sum()) < int((mean < 0.9).sum())  # some blocks lie on the window's edge
    assert float((coarse / mean)[mean > 0.3].min()) > 0.2


@pytest.mark.parametrize("backend", [CompiledBackend(), TensorBackend()], ids=["compiled", "tensors"])
@pytest.mark.parametrize("resolution", [7, 20, 24])
@pytest.mark.parametrize("num_views", [2, 4])
def test_with_nothing_neglected_it_is_the_reference(backend, resolution, num_views, monkeypatch):
    monkeypatch.setattr(infer_module, "backend_for", lambda device: backend)
    mixed = hidden(hidden(frame(num_views, seed=6), "head", tuple(range(1, num_views))), "foot", (1,))
    frames = [frame(num_views, seed=4), hidden(frame(num_views, seed=5), "hand", (0,)), mixed]
    exact = infer(frames, resolution=resolution, neglect=0.0)
    reference = infer(frames, resolution=resolution, inference="reference")
    for a, b in zip(exact, reference, strict=True):
        torch.testing.assert_close(a.mean, b.mean, rtol=0, atol=1e-6)
        torch.testing.assert_close(a.cov, b.cov, rtol=0, atol=1e-3)
        assert a.log_evidence == pytest.approx(b.log_evidence, abs=1e-8)
        assert torch.equal(a.supported, b.supported)
        assert a.neglected < 1e-9


@pytest.mark.parametrize("look", [{"sigma_px": 0.7}, {"sigma_px": 1.5}, {"sigma_px": 3.0, "height": 0.5}])
def test_it_agrees_with_the_reference_and_reports_what_it_left_out(look):
    frames = [frame(4, seed=6, **look), frame(4, seed=7, **look), hidden(frame(4, seed=8, **look), "foot", (0, 1, 2))]
    exact = infer(frames, resolution=48)
    for a, b in zip(exact, infer(frames, resolution=48, inference="reference"), strict=True):
        assert float(torch.linalg.vector_norm(a.mean - b.mean, dim=1).max()) < 0.1
        spread = a.cov.diagonal(dim1=1, dim2=2) / b.cov.diagonal(dim1=1, dim2=2)
        assert float((spread.sqrt() - 1).abs().max()) < 0.01
        assert 1 - math.exp(a.log_evidence - b.log_evidence) <= a.neglected


def test_threads_change_nothing():
    frames = [frame(4, seed=seed) for seed in range(5)]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        side_by_side = infer(frames, resolution=32)
        torch.set_num_threads(1)
        alone = infer(frames, resolution=32)
    finally:
        torch.set_num_threads(before)
    for a, b in zip(side_by_side, alone, strict=True):
        torch.testing.assert_close(a.mean, b.mean, rtol=0, atol=1e-6)
        assert a.log_evidence == pytest.approx(b.log_evidence, abs=1e-8)


def test_a_batch_is_the_frames_one_by_one():
    frames = [frame(4, seed=1), hidden(frame(4, seed=2), "head", (1, 2)), frame(4, seed=3), frame(2, seed=4)]
    for a, one in zip(infer(frames, resolution=32), frames, strict=True):
        (b,) = infer([one], resolution=32)
        torch.testing.assert_close(a.mean, b.mean, rtol=0, atol=1e-6)
        torch.testing.assert_close(a.cov, b.cov, rtol=0, atol=1e-3)
        assert a.log_evidence == pytest.approx(b.log_evidence, abs=1e-8)


def test_cutting_the_voxels_is_the_finer_grid_with_the_same_tolerance():
    tolerance = STICK_LENGTHS.longest_path_mm(STICK) / 8
    (cut,) = infer([frame(4)], resolution=8, refine=2, neglect=0.0)
    (fine,) = infer([frame(4)], resolution=16, tolerance_mm=tolerance, inference="reference")
    torch.testing.assert_close(cut.mean, fine.mean, rtol=0, atol=1e-6)
    assert cut.volume.shape == (16, 16, 16)
    assert cut.log_evidence == pytest.approx(fine.log_evidence, abs=1e-8)


def test_a_frame_that_needs_too_many_pairs_is_given_up():
    evidence = BatchEvidence([frame(4), frame(4)], [cube(CENTER, 1370.0, 16)] * 2, Likelihood(0.01), CompiledBackend())
    model = PictorialStructures(STICK, STICK_LENGTHS, InferenceOptions(resolution=16), dtype=torch.float64)
    top = BlockMessenger(all_blocks(16, 1, 1, CENTER.dtype, CENTER.device).corner, model.shells)
    found = find_marginals(evidence, model.tree, dict.fromkeys((1, 2, 4, 8), model.shells), top, Budget(1e-3, 10))
    assert found.is_given_up.tolist() == [True, True]


def test_a_frame_too_wide_for_fine_voxels_is_inferred_on_the_grid(monkeypatch):
    monkeypatch.setattr(CompiledBackend, "max_pairs", 0)
    (cut,) = infer([frame(4)], resolution=16, refine=2)
    (whole,) = infer([frame(4)], resolution=16, inference="reference")
    assert cut.volume.shape == (16, 16, 16)
    torch.testing.assert_close(cut.mean, whole.mean, rtol=0, atol=1e-6)


def test_an_impossible_frame_falls_back_to_the_reference():
    impossible = hidden(frame(2), "belly", (0, 1))
    exact, reference = (
        infer([frame(2), impossible], resolution=20, floor=0.0, inference=way) for way in ("exact", "reference")
    )
    assert exact[1].log_evidence == -math.inf
    torch.testing.assert_close(exact[1].mean, reference[1].mean)
    torch.testing.assert_close(exact[0].mean, reference[0].mean, rtol=0, atol=0.5)


@pytest.mark.parametrize("look", [{}, {"seed": 3}, {"sigma_px": 0.7}], ids=str)
def test_a_floor_of_zero_is_inferred_like_any_other(look):
    """Most blocks are then impossible, and what is always kept holds some of them."""
    evidence = frame(**look)
    found, expected = (infer([evidence], floor=0.0, inference=way)[0] for way in ("exact", "reference"))
    torch.testing.assert_close(found.mean, expected.mean, atol=1.0, rtol=0)
    assert found.log_evidence == pytest.approx(expected.log_evidence, abs=0.1)
