"""Sum-product with the fault of the authors' public demo, kept as a baseline to show what it costs (choice D1).

On the way from the root to the leaves the demo sends each child its parent's whole belief, in which the message that
the child itself had sent up still is. The child then multiplies in its own subtree a second time: the beliefs are no
marginals, and far too certain.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from poseharvest.pictorial.backends.fft import GridMessenger
from poseharvest.pictorial.pairwise import Shell
from poseharvest.pictorial.sum_product import Tree


def double_counted_marginals(log_unaries: Tensor, tree: Tree, shells: Sequence[Shell]) -> Tensor:
    """Return beliefs (J, X, Y, Z) that sum to 1 a joint, computed as the demo does.

    Args:
        log_unaries: (J, X, Y, Z).
        tree: over the J joints.
        shells: one an edge of the tree.
    """
    messenger = GridMessenger(tuple(log_unaries.shape[1:]), shells, log_unaries)
    beliefs = [_scaled(joint) for joint in log_unaries]
    for edge, (parent, child) in reversed(list(enumerate(tree.edges))):
        beliefs[parent] = _scaled(beliefs[parent] + _message(messenger, edge, beliefs[child]))
    for edge, (parent, child) in enumerate(tree.edges):
        beliefs[child] = _scaled(beliefs[child] + _message(messenger, edge, beliefs[parent]))
    return torch.stack([torch.softmax(belief.flatten(), 0).reshape(belief.shape) for belief in beliefs])


def _message(messenger: GridMessenger, edge: int, log_belief: Tensor) -> Tensor:
    """Return the logarithm of the sum of a belief over the shell of `edge`, which looks the same from both ends."""
    return torch.log(messenger.up(edge, log_belief.exp().unsqueeze(0))[0])


def _scaled(log_belief: Tensor) -> Tensor:
    """Return a belief with a maximum of 0, its logarithm kept above what float32 can still tell from 0."""
    peak = log_belief.amax()
    return (log_belief - torch.where(torch.isfinite(peak), peak, 0)).clamp_min(torch.finfo(log_belief.dtype).min / 4)
