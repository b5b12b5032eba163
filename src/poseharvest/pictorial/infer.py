"""From heatmaps to joint posteriors: connects unaries, shells, sum-product and moments (Sec. 3.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property

import torch
from torch import Tensor

from poseharvest.geometry.camera import StaticCamera
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.pictorial.backends.backend import backend_for
from poseharvest.pictorial.backends.fft import GridMessenger
from poseharvest.pictorial.backends.pair_matrices import BlockMessenger
from poseharvest.pictorial.blocks import all_blocks, coarsest_edge
from poseharvest.pictorial.coarse_to_fine import Budget, find_marginals
from poseharvest.pictorial.evidence import BatchEvidence, FrameEvidence, seen_joints
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.pictorial.pairwise import BlockShell, Reach, limb_shell
from poseharvest.pictorial.posterior import JointPosterior, Moments, VoxelVolume, cube, grid_moments, moments_of_sums
from poseharvest.pictorial.shapes import Float
from poseharvest.pictorial.sum_product import Tree, sum_product
from poseharvest.pictorial.unary import back_project
from poseharvest.pictorial.unseen import Kept, with_placed
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.threads import side_by_side

# Blocks are dropped for looking small, so their estimated belief is too small on average: by a factor of up to 3 in
# simulated frames (benchmarks/inference.py measures it).
_ESTIMATE_MARGIN = 3.0
_MOST_PARTS = 64  # of the tree, that wait for the next frame which shows the same joints
_ROUNDING = 1000.0  # of the sums' logarithms, units in the last place


class PictorialStructures:
    """A subject's model: the tree with its shells on a cube of one size, ready for any number of frames."""

    def __init__(
        self,
        skeleton: Skeleton,
        lengths: LimbLengths,
        options: InferenceOptions | None = None,
        *,
        edge_mm: float | None = None,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> None:
        """Build the shells.

        Args:
            skeleton: the tree.
            lengths: of its limbs.
            options: the defaults if None.
            edge_mm: edge of the cube; the longest path through the tree if None.
            dtype: precision of unaries and messages; moments are always summed in float64.
            device: where the work is done.
        """
        self.skeleton = skeleton
        self.lengths = lengths
        self.options = options or InferenceOptions()
        self._like = torch.empty((), dtype=dtype, device=device)
        self._backend = backend_for(self._like.device)
        edges = tuple((skeleton.index(limb.parent), skeleton.index(limb.child)) for limb in skeleton.limbs_from_root)
        self.tree = Tree(edges, len(skeleton))
        # A pose cannot be wider than the longest path through the tree, so this cube holds every pose.
        self.edge_mm = lengths.longest_path_mm(skeleton) if edge_mm is None else edge_mm
        self.tolerance_mm = self.options.tolerance_mm or self.edge_mm / self.options.resolution
        self.resolution = self.options.resolution * self.options.refine
        self.voxel_mm = self.edge_mm / self.resolution
        self._parts: dict[Kept, PictorialStructures] = {}
        limb_lengths = lengths.of(skeleton)
        self.shells = tuple(limb_shell(length, self.tolerance_mm, self.voxel_mm) for length in limb_lengths)
        self._coarsest_edge = coarsest_edge(self.resolution)
        self._reaches: dict[int, tuple[Reach, ...]] = {1: self.shells}  # what a limb joins, by the edge of the blocks
        while (edge := 2 * max(self._reaches)) <= self._coarsest_edge:
            edge_mm = self.voxel_mm * edge
            self._reaches[edge] = tuple(BlockShell(mm / edge_mm, self.tolerance_mm / edge_mm) for mm in limb_lengths)

    @cached_property
    def _top(self) -> BlockMessenger:
        """Between the blocks of the coarsest level."""
        blocks = all_blocks(self.resolution, 1, 1, self._like.dtype, self._like.device)
        return BlockMessenger(blocks.corner, self._reaches[blocks.edge])

    @cached_property
    def log_prior_poses(self) -> float:
        """Log of the number of poses that the prior allows, the border of the cube left aside."""
        shells = sum(math.log(float(shell.kernel().sum())) for shell in self.shells)
        return shells + 3 * math.log(self.resolution)

    @cached_property
    def _grid(self) -> GridMessenger:
        return GridMessenger((self.resolution,) * 3, self.shells, self._like)

    def infer(self, heatmaps: Heatmaps, cameras: Sequence[StaticCamera], center: Float[Tensor, " 3"]) -> JointPosterior:
        """Return the posterior of one frame.

        Args:
            heatmaps: of V views, in the order of the skeleton's joints.
            cameras: V cameras as they stand in the frame.
            center: (3,) middle of the bounding cube, mm.
        """
        return self.infer_many([FrameEvidence(heatmaps, tuple(cameras), center)])[0]

    def infer_many(self, frames: Sequence[FrameEvidence]) -> list[JointPosterior]:
        """Return the posteriors of many frames, in order; batches cost less a frame than single frames."""
        if self.options.inference == "reference":
            return [self._over_the_grid(frame) for frame in frames]
        alike: dict[tuple[bool, ...], list[int]] = {}
        for number, frame in enumerate(frames):
            alike.setdefault(tuple(seen_joints(frame.heatmaps).tolist()), []).append(number)
        posteriors: dict[int, JointPosterior] = {}
        for seen, numbers in alike.items():
            posteriors |= zip(numbers, self._infer_alike([frames[i] for i in numbers], seen), strict=True)
        return [posteriors[number] for number in range(len(frames))]

    def _infer_alike(self, frames: Sequence[FrameEvidence], seen: tuple[bool, ...]) -> list[JointPosterior]:
        """Return the posteriors of frames which show the same joints (choice D11)."""
        if all(seen):
            return self._infer_all(frames)
        kept = Kept.of(self.tree, seen)
        if not kept.placed:
            return self._infer_all(frames)
        part = self._part(kept)
        joints = list(kept.joints)
        of_part = [
            replace(frame, heatmaps=Heatmaps(frame.heatmaps.values[:, joints], frame.heatmaps.crops))
            for frame in frames
        ]
        return [
            self._whole(frame, kept, posterior, seen)
            for frame, posterior in zip(frames, part._infer_all(of_part), strict=True)
        ]

    def _part(self, kept: Kept) -> PictorialStructures:
        """Return the model of some joints, on the same grid."""
        if kept not in self._parts:
            part = self._like_this(kept.part(self.skeleton), self.options)
            if self._coarsest_edge > 1:
                part.__dict__["_top"] = self._top.part(kept.edges)
            if len(self._parts) == _MOST_PARTS:
                self._parts.pop(next(iter(self._parts)))
            self._parts[kept] = part
        return self._parts[kept]

    def _whole(self, frame: FrameEvidence, kept: Kept, part: JointPosterior, seen: Sequence[bool]) -> JointPosterior:
        """Return the posterior of all joints from that of those that are kept."""
        mean, cov = with_placed(part.mean, part.cov, kept, self.shells, self.voxel_mm)
        views = sum(crop is not None for crop in frame.heatmaps.crops)
        log_floor = math.log(self.options.floor) if self.options.floor > 0 else -math.inf
        of_a_joint = views * log_floor if views else 0.0  # what each of its voxels would have said
        return replace(
            part,
            mean=mean,
            cov=cov,
            supported=torch.tensor(seen),
            log_evidence=part.log_evidence + len(kept.placed) * of_a_joint,
        )

    def _infer_all(self, frames: Sequence[FrameEvidence]) -> list[JointPosterior]:
        """Return the posteriors of frames, all joints in the sums."""
        if self._coarsest_edge == 1:
            return [self._over_the_grid(frame) for frame in frames]
        threads = side_by_side() if self._backend.runs_in_threads else 1
        most = min(self._backend.frames_a_batch, math.ceil(len(frames) / threads))
        batches: list[list[FrameEvidence]] = []  # runs of frames with as many views and maps of one size
        for frame in frames:
            if (
                batches
                and len(batches[-1]) < most
                and frame.heatmaps.values.shape == batches[-1][0].heatmaps.values.shape
            ):
                batches[-1].append(frame)
            else:
                batches.append([frame])
        if threads == 1 or len(batches) <= 1:
            batch_posteriors = [self._over_voxels_that_matter(batch) for batch in batches]
        else:
            _ = self._top  # made once, not by every thread
            # Compiled loops and tensor operations let go of the interpreter, so batches run side by side.
            with ThreadPoolExecutor(min(threads, len(batches))) as pool:
                batch_posteriors = list(pool.map(self._over_voxels_that_matter, batches))
        return [posterior for batch in batch_posteriors for posterior in batch]

    def _over_voxels_that_matter(self, frames: Sequence[FrameEvidence]) -> list[JointPosterior]:
        volumes = [cube(frame.center.to(self._like), self.edge_mm, self.resolution) for frame in frames]
        options = self.options
        evidence = BatchEvidence(frames, volumes, options.likelihood, self._backend)
        # Over a grid smaller than 64^3 the FFT is faster, too.
        most_pairs = self._backend.max_pairs * min(1.0, self.resolution / 64) ** 3
        budget = Budget(options.neglected_at_most, round(most_pairs))
        marginals = find_marginals(evidence, self.tree, self._reaches, self._top, budget)
        moments = moments_of_sums(marginals.sums, volumes)
        dropped_mass = marginals.dropped_mass.reshape(self.tree.num_joints, -1).sum(0) * _ESTIMATE_MARGIN
        rounding = _ROUNDING * torch.finfo(self._like.dtype).eps
        # One transfer for all: on a GPU every single one would wait for it.
        is_given_up, log_partition, neglected = torch.stack([
            marginals.is_given_up.double(),
            marginals.log_partition.double(),
            dropped_mass.double(),
        ]).tolist()
        return [
            self._otherwise(frame)
            if is_given_up[i]
            else self._posterior(frame, volumes[i], moments[i], log_partition[i], min(neglected[i] + rounding, 1.0))
            for i, frame in enumerate(frames)
        ]

    def _otherwise(self, frame: FrameEvidence) -> JointPosterior:
        """Return the posterior of a frame in which too many voxels matter."""
        return self._over_the_grid(frame) if self._coarser is None else self._coarser.infer_many([frame])[0]

    @cached_property
    def _coarser(self) -> PictorialStructures | None:
        """The model on voxels twice as large: a marginal too wide for fine voxels does not need them."""
        if self.options.refine == 1:
            return None
        return self._like_this(self.skeleton, replace(self.options, refine=self.options.refine // 2))

    def _like_this(self, skeleton: Skeleton, options: InferenceOptions) -> PictorialStructures:
        """Return the model of this person in this cube with other joints or options."""
        lengths = {(limb.parent, limb.child): self.lengths.mm[limb.parent, limb.child] for limb in skeleton.limbs}
        return PictorialStructures(
            skeleton,
            LimbLengths(lengths),
            replace(options, tolerance_mm=self.tolerance_mm),
            edge_mm=self.edge_mm,
            dtype=self._like.dtype,
            device=self._like.device,
        )

    def _over_the_grid(self, frame: FrameEvidence) -> JointPosterior:
        volume = cube(frame.center.to(self._like), self.edge_mm, self.resolution)
        likelihood, crops = self.options.likelihood, frame.heatmaps.crops
        values, present = frame.heatmaps.values.to(self._like), torch.tensor([crop is not None for crop in crops])
        values = likelihood.maps(values, present.to(values.device))
        unaries = back_project(Heatmaps(values, crops), frame.cameras, volume, likelihood.floor)
        marginals = sum_product([joint.unsqueeze(0) for joint in unaries.log_values], self.tree, self._grid)
        moments = grid_moments(torch.cat(marginals.values), volume)
        return self._posterior(frame, volume, moments, float(marginals.log_partition))

    def _posterior(
        self,
        frame: FrameEvidence,
        volume: VoxelVolume,
        moments: Moments,
        log_partition: float,
        neglected: float = 0.0,
    ) -> JointPosterior:
        return JointPosterior(
            mean=moments.mean.cpu(),
            cov=moments.cov.cpu(),
            supported=seen_joints(frame.heatmaps).cpu(),
            log_evidence=log_partition - self.log_prior_poses,
            volume=volume,
            neglected=neglected,
        )
