"""The search for the voxels that matter, and its agreement with the reference over all voxels."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pictorial_kit import STICK, STICK_LENGTHS, STICK_POINTS, ring, seen_by, without_view
from poseharvest.geometry.grid import cube
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.blocks import Blocks, Rows, all_blocks, all_places
from poseharvest.pictorial.evidence import BatchEvidence, FrameEvidence
from poseharvest.pictorial.infer import InferenceOptions, PictorialStructures
from poseharvest.pictorial.posterior import JointPosterior
from poseharvest.pictorial.search import Budget, coarse_to_fine, worth_keeping
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


@pytest.mark.parametrize(("resolution", "edge"), [(8, 8), (20, 4), (24, 2), (5, 1)])
def test_dividing_blocks_covers_every_voxel_once(resolution, edge):
    blocks = all_places(resolution, edge, 2, torch.zeros((), dtype=torch.float64))
    while blocks.edge > 1:
        blocks, parent = blocks.divided(resolution)
        assert len(parent) == len(blocks.joint)
    for frame_number in (0, 1):
        corner = blocks.corner[blocks.frame == frame_number].long()
        assert len(corner) == resolution**3
        assert len(torch.unique(corner, dim=0)) == resolution**3
        assert int(corner.max()) == resolution - 1


def test_rows_and_back():
    joint = torch.tensor([0, 0, 0, 1, 2, 2])
    in_frame = torch.tensor([0, 1, 1, 1, 0, 1])
    blocks = Blocks(torch.arange(18.0).reshape(6, 3), in_frame, joint, 1, 2, 3)
    rows = Rows(blocks)
    assert rows.counts == [[1, 2], [0, 1], [1, 1]]
    padded = rows.padded(torch.arange(6.0), -1.0)
    assert padded[0].tolist() == [[0.0, -1.0], [1.0, 2.0]]
    assert padded[1].tolist() == [[-1.0], [3.0]]
    assert rows.flat(padded).tolist() == list(range(6))


@given(seed=st.integers(0, 10**6), budget=st.floats(0, 0.5))
@settings(max_examples=30, deadline=None)
def test_what_is_dropped_stays_within_the_budget(seed, budget):
    share = torch.rand(1000, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) ** 8
    share /= share.sum()
    blocks = all_blocks(10, 1, 1, share)
    keep = worth_keeping(share, blocks, budget)
    assert float(share[~keep].sum()) <= budget
    assert int(keep.sum()) >= 200
    kept, dropped = share[keep], share[~keep]
    assert len(dropped) == 0 or float(dropped.min()) <= float(kept.max())


def test_the_evidence_of_voxels_is_that_of_the_reference():
    frames = [frame(3, seed=1), frame(3, seed=2), hidden(frame(3, seed=3), "head", (0,))]
    absent = FrameEvidence(without_view(frames[1].heatmaps, 1), frames[1].cameras, CENTER + 40)
    frames.append(absent)
    volumes = [cube(f.center, 1500.0, 12) for f in frames]
    evidence = BatchEvidence(frames, volumes, 0.01)
    places = all_places(12, 1, 16, CENTER)
    blocks = Blocks(places.corner, places.frame % 4, places.frame // 4, 1, 4, 4)
    found = evidence.log_unary(blocks).reshape(4, 4, -1)
    for number, (one, volume) in enumerate(zip(frames, volumes, strict=True)):
        expected = back_project(one.heatmaps, one.cameras, volume, 0.01).log_values.flatten(1)
        torch.testing.assert_close(found[:, number], expected, rtol=0, atol=1e-9)


def test_a_block_is_worth_about_the_mean_of_its_voxels():
    evidence = BatchEvidence([frame()], [cube(CENTER, 1370.0, 32)], 0.01)
    blocks = all_places(32, 4, 4, CENTER)
    blocks = Blocks(blocks.corner, torch.zeros_like(blocks.frame), blocks.frame, 4, 1, 4)
    coarse = evidence.log_unary(blocks)
    children, parent = blocks.divided(32)
    voxels, grandparent = children.divided(32)
    fine = evidence.log_unary(voxels).exp()
    mean = torch.zeros_like(coarse).index_add(0, parent[grandparent], fine) / 64
    of_joints = coarse.exp().reshape(4, -1).sum(1) / mean.reshape(4, -1).sum(1)
    assert float(of_joints.min()) > 0.5
    assert float(of_joints.max()) < 20
    important = mean > 1e-3 * mean.max()
    assert float((coarse.exp() / mean)[important].min()) > 0.2


@pytest.mark.parametrize("resolution", [7, 20, 24])
@pytest.mark.parametrize("num_views", [2, 4])
def test_with_nothing_neglected_it_is_the_reference(resolution, num_views):
    frames = [frame(num_views, seed=4), hidden(frame(num_views, seed=5), "hand", (0,))]
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


def test_a_batch_is_the_frames_one_by_one():
    frames = [frame(4, seed=1), hidden(frame(4, seed=2), "head", (1, 2)), frame(4, seed=3), frame(2, seed=4)]
    for a, one in zip(infer(frames, resolution=32), frames, strict=True):
        (b,) = infer([one], resolution=32)
        torch.testing.assert_close(a.mean, b.mean, rtol=0, atol=1e-6)
        torch.testing.assert_close(a.cov, b.cov, rtol=0, atol=1e-3)
        assert a.log_evidence == pytest.approx(b.log_evidence, abs=1e-8)


def test_cutting_the_voxels_is_the_finer_grid_with_the_same_tolerance():
    tolerance = STICK_LENGTHS.longest_path_mm(STICK) / 16
    (cut,) = infer([frame(4)], resolution=16, refine=2, neglect=0.0)
    (fine,) = infer([frame(4)], resolution=32, tolerance_mm=tolerance, inference="reference")
    torch.testing.assert_close(cut.mean, fine.mean, rtol=0, atol=1e-6)
    assert cut.volume.shape == (32, 32, 32)
    assert cut.log_evidence == pytest.approx(fine.log_evidence, abs=1e-8)


def test_a_frame_that_needs_too_many_pairs_is_given_up():
    evidence = BatchEvidence([frame(4), frame(4)], [cube(CENTER, 1370.0, 16)] * 2, 0.01)
    model = PictorialStructures(STICK, STICK_LENGTHS, InferenceOptions(resolution=16), dtype=torch.float64)
    found = coarse_to_fine(evidence, model.tree, lambda edge: model.shells, Budget(1e-3, 10))
    assert found.given_up.tolist() == [True, True]


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
