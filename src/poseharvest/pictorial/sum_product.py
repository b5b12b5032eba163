"""Exact sum-product on a tree (Sec. 3.2, Eq. 4, choice D1), whatever the joints' positions are listed on.

A message from joint i to a neighbour j is the sum over s_i of ``p(s_i, s_j)`` times the unary of i and the messages
to i from everyone *but j*. How such a sum is done is left to a `Messenger`: by FFT over the whole grid (the
reference, backends/fft.py) or pair by pair between the few positions that matter (the other files of backends/). The
order of the messages, their scales, the marginals and the evidence are the same for all, and are here.

Numbers: every message is rescaled to a maximum of 1 and products are taken as sums of logarithms, so nothing
underflows as a whole; the scales go into the log-partition.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from poseharvest.errors import ShapeError
from poseharvest.pictorial.shapes import Float


@dataclass(frozen=True)
class Tree:
    """The edges E of Eq. (1).

    Attributes:
        edges: (parent, child) joint numbers, every edge after the one above it.
        num_joints: J.

    Raises:
        ShapeError: the edges are not a tree over the joints in that order.
    """

    edges: tuple[tuple[int, int], ...]
    num_joints: int

    def __post_init__(self) -> None:
        if len(self.edges) != self.num_joints - 1:
            raise ShapeError(
                f"tree: expected {self.num_joints - 1} edges for {self.num_joints} joints, got {len(self.edges)}"
            )
        reached = {self.root}
        for parent, child in self.edges:
            if parent not in reached or child in reached:
                raise ShapeError(f"tree: edge ({parent}, {child}) must hang a new joint on one above it")
            reached.add(child)

    @cached_property
    def root(self) -> int:
        """The joint without a parent."""
        return self.edges[0][0] if self.edges else 0

    @cached_property
    def child_edges(self) -> tuple[tuple[int, ...], ...]:
        """For every joint, the numbers of the edges to its children."""
        below: list[list[int]] = [[] for _ in range(self.num_joints)]
        for edge, (parent, _) in enumerate(self.edges):
            below[parent].append(edge)
        return tuple(tuple(edges) for edges in below)


class Messenger(ABC):
    """Sums over the shell of one edge."""

    @abstractmethod
    def up(self, edge: int, values: Float[Tensor, "F ..."]) -> Float[Tensor, "F ..."]:
        """Return, at the parent's positions, the sum of the child's `values` over the shell."""

    @abstractmethod
    def down(self, edge: int, values: Float[Tensor, "F ..."]) -> Float[Tensor, "F ..."]:
        """Return, at the child's positions, the sum of the parent's `values` over the shell."""

    def log_up(self, edge: int, log_values: Float[Tensor, "F ..."]) -> Message:
        """Return the logs of what `up` makes of the values with the logs `log_values`."""
        values, log_peak = _exponential(log_values)
        return _logarithm(self.up(edge, values), log_peak)

    def log_down(self, edge: int, log_values: Float[Tensor, "F ..."]) -> Message:
        """Return the logs of what `down` makes of the values with the logs `log_values`."""
        values, log_peak = _exponential(log_values)
        return _logarithm(self.down(edge, values), log_peak)


class Message(NamedTuple):
    """Sums of F frames.

    Attributes:
        log_values: (F, ...) scaled to a maximum of 1 a frame.
        log_scale: (F,) logs of the scales.
    """

    log_values: Float[Tensor, "F ..."]
    log_scale: Float[Tensor, " F"]


@dataclass(frozen=True, eq=False)
class Marginals:
    """Beliefs of all joints in F frames.

    Attributes:
        log_beliefs: J tensors (F, ...) over the joint's positions, each with a factor of its own left out.
        log_partition: (F,) log of the sum over all poses of Eq. (4), unnormalised; -inf if the model is impossible.
    """

    log_beliefs: tuple[Float[Tensor, "F ..."], ...]
    log_partition: Float[Tensor, " F"]

    @cached_property
    def values(self) -> tuple[Float[Tensor, "F ..."], ...]:
        """J tensors (F, ...), each joint's sum is 1 a frame (all zero if the model is impossible)."""
        return tuple(_normalised(log_beliefs) for log_beliefs in self.log_beliefs)


def sum_product(log_unaries: Sequence[Float[Tensor, "F ..."]], tree: Tree, messenger: Messenger) -> Marginals:
    """Return every joint's marginal under Eq. (4) and the log-partition.

    A pass from the leaves to the root, then one back. On the way back a joint receives its parent's belief without
    what it had told the parent itself, so that the results are true marginals (choice D1).

    Args:
        log_unaries: J tensors (F, ...), the axes after the first being the joint's positions; -inf where impossible.
        tree: over the J joints.
        messenger: the sums over the shells between the joints' positions.

    Raises:
        ShapeError: there are not as many unaries as joints.
    """
    if len(log_unaries) != tree.num_joints:
        raise ShapeError(f"unaries: expected one a joint of the tree, {tree.num_joints}, got {len(log_unaries)}")
    up: dict[int, Tensor] = {}
    log_scale = log_unaries[0].new_zeros(log_unaries[0].shape[0])
    for edge, (_, child) in reversed(list(enumerate(tree.edges))):
        belief = sum((up[e] for e in tree.child_edges[child]), log_unaries[child])
        up[edge], scale = messenger.log_up(edge, belief)
        log_scale = log_scale + scale

    log_beliefs = {tree.root: sum((up[e] for e in tree.child_edges[tree.root]), log_unaries[tree.root])}
    down: dict[int, Tensor] = {}
    for edge, (parent, child) in enumerate(tree.edges):
        others = [up[e] for e in tree.child_edges[parent] if e != edge]
        from_above = [down[parent]] if parent in down else []
        belief = sum(others + from_above, log_unaries[parent])
        down[child], _ = messenger.log_down(edge, belief)
        log_beliefs[child] = sum((up[e] for e in tree.child_edges[child]), log_unaries[child] + down[child])

    log_partition = torch.logsumexp(log_beliefs[tree.root].flatten(1), 1) + log_scale
    return Marginals(tuple(log_beliefs[j] for j in range(tree.num_joints)), log_partition)


def _over_positions(per_frame: Tensor, like: Tensor) -> Tensor:
    return per_frame.reshape(-1, *(1,) * (like.ndim - 1))


def _exponential(log_values: Tensor) -> tuple[Tensor, Tensor]:
    """Return values (F, ...) scaled to a maximum of 1, and the logs of the scales (F,); 0 and -inf if all are 0."""
    log_peak = log_values.flatten(1).amax(1)
    shift = torch.where(torch.isfinite(log_peak), log_peak, 0)
    return torch.exp(log_values - _over_positions(shift, log_values)), log_peak


def _logarithm(values: Tensor, log_scale: Tensor) -> Message:
    """Return values (F, ...) that have been scaled already, by the logs (F,), as a message."""
    top = values.flatten(1).amax(1)
    scale = torch.where(top > 0, top, 1)
    return Message(torch.log(values / _over_positions(scale, values)), log_scale + torch.log(top))


def _normalised(log_beliefs: Tensor) -> Tensor:
    """Return beliefs (F, ...) that sum to 1 a frame; all zero where every value is -inf."""
    values, _ = _exponential(log_beliefs)
    total = values.flatten(1).sum(1)
    return values / _over_positions(torch.where(total > 0, total, 1), values)
