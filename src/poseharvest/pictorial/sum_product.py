"""Exact sum-product on a tree over a voxel grid, by FFT: the reference (Sec. 3.2, Eq. 4, choice D1).

A message from joint i to a neighbour j is the sum over s_i of ``p(s_i, s_j)`` times the unary of i and the messages
to i from everyone *but j*. The pairwise term is a shell of offsets, so the sum is a convolution.

Numbers: every message is rescaled to a maximum of 1 and products are taken as sums of logarithms, so nothing
underflows as a whole; the scales go into the log-evidence. The FFT leaves noise of about the precision of the dtype
times a message's maximum: values that come out negative are zero. Use float64 where that matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.fft import next_fast_len
from torch import Tensor

from poseharvest.checks import check_shape
from poseharvest.errors import ShapeError


@dataclass(frozen=True, eq=False)
class TreeModel:
    """Eq. (4) on a grid.

    Attributes:
        log_unary: (J, X, Y, Z).
        edges: (parent, child) joint numbers, every edge after the one above it.
        kernels: one (K, K, K) shell an edge.
    """

    log_unary: Tensor
    edges: tuple[tuple[int, int], ...]
    kernels: tuple[Tensor, ...]

    def __post_init__(self) -> None:
        check_shape("log_unary", self.log_unary, "J X Y Z")
        num_joints = self.log_unary.shape[0]
        if len(self.edges) != num_joints - 1 or len(self.kernels) != len(self.edges):
            raise ShapeError(
                f"tree: expected {num_joints - 1} edges with a kernel each, got {len(self.edges)} edges and "
                f"{len(self.kernels)} kernels"
            )
        reached = {self.edges[0][0]} if self.edges else {0}
        for parent, child in self.edges:
            if parent not in reached or child in reached:
                raise ShapeError(f"tree: edge ({parent}, {child}) must hang a new joint on one above it")
            reached.add(child)


@dataclass(frozen=True, eq=False)
class Marginals:
    """Beliefs of all joints.

    Attributes:
        values: (J, X, Y, Z), each joint's sum is 1 (all zero if the model is impossible).
        log_partition: log of the sum over all poses of Eq. (4), unnormalised; -inf if the model is impossible.
    """

    values: Tensor
    log_partition: float


class _Convolver:
    """Sums over shells for one grid: the kernels' transforms, and one rfftn and irfftn a message."""

    def __init__(self, shape: Sequence[int], kernels: Sequence[Tensor], like: Tensor) -> None:
        radius = max((kernel.shape[0] // 2 for kernel in kernels), default=0)
        # The grid plus the kernel's radius: less, and the shell wraps around.
        self._size = tuple(next_fast_len(n + radius, real=True) for n in shape)
        self._shape = tuple(shape)
        self._spectra = [self._spectrum(kernel.to(like)) for kernel in kernels]

    def _spectrum(self, kernel: Tensor) -> Tensor:
        padded = kernel.new_zeros(self._size)
        offsets = torch.arange(kernel.shape[0], device=kernel.device) - kernel.shape[0] // 2
        # An offset larger than the padded grid joins no two voxels of it.
        keep = [offsets.abs() < n for n in self._shape]
        inner = kernel[keep[0]][:, keep[1]][:, :, keep[2]]
        x, y, z = (offsets[k] % n for k, n in zip(keep, self._size, strict=True))
        padded[x[:, None, None], y[None, :, None], z[None, None, :]] = inner
        spectrum: Tensor = torch.fft.rfftn(padded, dim=(-3, -2, -1))
        return spectrum

    def __call__(self, edge: int, values: Tensor) -> Tensor:
        spectrum = torch.fft.rfftn(values, s=self._size, dim=(-3, -2, -1)) * self._spectra[edge]
        full: Tensor = torch.fft.irfftn(spectrum, s=self._size, dim=(-3, -2, -1))
        x, y, z = self._shape
        return full[:x, :y, :z].clamp_min(0)


def _message(convolve: _Convolver, edge: int, log_belief: Tensor) -> tuple[Tensor, Tensor]:
    """Return a message as (log of it with maximum 0, its log scale)."""
    peak = log_belief.max()
    if not bool(torch.isfinite(peak)):
        return torch.full_like(log_belief, -torch.inf), peak
    message = convolve(edge, torch.exp(log_belief - peak))
    top = message.max()
    return torch.log(message / top), peak + torch.log(top)


def sum_product(model: TreeModel) -> Marginals:
    """Return every joint's marginal under Eq. (4) and the log-partition.

    A pass from the leaves to the root, then one back. On the way back a joint receives its parent's belief without
    what it had told the parent itself, so that the results are true marginals (choice D1).
    """
    log_unary = model.log_unary
    convolve = _Convolver(log_unary.shape[1:], model.kernels, log_unary)
    children: dict[int, list[int]] = {}
    for edge, (parent, _) in enumerate(model.edges):
        children.setdefault(parent, []).append(edge)

    up: dict[int, Tensor] = {}
    log_scale = log_unary.new_zeros(())
    for edge, (_, child) in reversed(list(enumerate(model.edges))):
        belief = sum((up[e] for e in children.get(child, [])), log_unary[child])
        up[edge], scale = _message(convolve, edge, belief)
        log_scale = log_scale + scale

    root = model.edges[0][0] if model.edges else 0
    log_beliefs = {root: sum((up[e] for e in children.get(root, [])), log_unary[root])}
    down: dict[int, Tensor] = {}
    for edge, (parent, child) in enumerate(model.edges):
        others = [up[e] for e in children[parent] if e != edge]
        from_above = [down[parent]] if parent in down else []
        belief = sum(others + from_above, log_unary[parent])
        down[child], _ = _message(convolve, edge, belief)
        log_beliefs[child] = sum((up[e] for e in children.get(child, [])), log_unary[child] + down[child])

    log_partition = float(torch.logsumexp(log_beliefs[root].flatten(), 0) + log_scale)
    stacked = torch.stack([log_beliefs[j] for j in range(log_unary.shape[0])])
    return Marginals(_normalised(stacked), log_partition)


def _normalised(log_beliefs: Tensor) -> Tensor:
    """Return beliefs that sum to 1 a joint; all zero where every value is -inf."""
    flat = log_beliefs.flatten(1)
    peak = flat.amax(1, keepdim=True)
    values = torch.exp(flat - torch.where(torch.isfinite(peak), peak, 0))
    total = values.sum(1, keepdim=True)
    return (values / torch.where(total > 0, total, 1)).reshape(log_beliefs.shape)
