"""The sum-product between blocks by a backend's messages, one after the other; for any device."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from poseharvest.pictorial.blocks import Blocks, Listing, Rows, shares_of
from poseharvest.pictorial.pairwise import Reach
from poseharvest.pictorial.shapes import Float
from poseharvest.pictorial.sum_product import Messenger, Tree, sum_product

Connect = Callable[[Sequence[Listing], Tree, Sequence[Reach]], Messenger]


@dataclass(frozen=True, eq=False)
class BlockBeliefs:
    """What the sum-product says of N blocks of F frames.

    Attributes:
        share: (N,) of the marginal; sums to 1 a joint and frame, all zero if the model is impossible.
        log_partition: (F,) log of the sum over all poses of Eq. (4), unnormalised; -inf if the model is impossible.
    """

    share: Float[Tensor, " N"]
    log_partition: Float[Tensor, " F"]


def beliefs_by_messages(
    connect: Connect, blocks: Blocks, log_unary: Float[Tensor, " N"], tree: Tree, reaches: Sequence[Reach]
) -> BlockBeliefs:
    """Return the beliefs as `Backend.sum_beliefs` says.

    Args:
        connect: makes the messenger, as `Backend.connect` does.
        blocks: N blocks.
        log_unary: (N,) -inf where impossible.
        tree: over the joints.
        reaches: one an edge of the tree, in units of the blocks.
    """
    rows = Rows(blocks)
    marginals = sum_product(rows.padded(log_unary, -math.inf), tree, connect(rows.listings(), tree, reaches))
    return BlockBeliefs(shares_of(rows.flat(marginals.log_beliefs), blocks), marginals.log_partition)
