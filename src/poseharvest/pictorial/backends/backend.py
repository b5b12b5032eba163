"""What a backend does for the search over blocks of voxels, and which one serves a device."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from typing import Protocol

import torch
from torch import Tensor

from poseharvest.pictorial.backends.compiled_backend import CompiledBackend
from poseharvest.pictorial.backends.messages import BlockBeliefs
from poseharvest.pictorial.backends.tensor_backend import TensorBackend
from poseharvest.pictorial.blocks import Blocks, Listing
from poseharvest.pictorial.pairwise import Reach
from poseharvest.pictorial.rule import Rule
from poseharvest.pictorial.shapes import Bool, Float, Int
from poseharvest.pictorial.sum_product import Messenger, Tree
from poseharvest.pictorial.views import ShownMaps, Views

_log = logging.getLogger(__name__)


class Backend(Protocol):
    """A way to do the sums of the search. It has no state: one object serves any number of models and threads."""

    @property
    def frames_a_batch(self) -> int:
        """Most frames that are worth doing at once."""
        ...

    @property
    def max_pairs(self) -> int:
        """Pairs of voxels in a frame beyond which the FFT over a grid of 64^3 is faster."""
        ...

    @property
    def runs_in_threads(self) -> bool:
        """Batches may run side by side, one a thread."""
        ...

    def multiply_evidence(self, views: Views, blocks: Blocks, maps: ShownMaps, chosen: range) -> Float[Tensor, "N 8"]:
        """Return the products over the chosen views of max(shown, 0) + floor (Eq. 3), (N, 8), of each block's halves.

        A view that does not show the joint has a factor of 1.

        Args:
            views: V views of F frames.
            blocks: N blocks; what the maps show at the middles of their halves counts.
            maps: of these views and frames.
            chosen: numbers of the views.
        """
        ...

    def average_powers(
        self, values: Float[Tensor, "F V J H W"], floors: Float[Tensor, "F J"], powers: Int[Tensor, "F J"], radius: int
    ) -> Float[Tensor, "F V J H2 W2"]:
        """Return the means of ``(max(value, 0) + floor)^power - floor^power`` over windows of pixels.

        The result is (F, V, J, H + 2 M, W + 2 M), with a margin of M = `radius` + 1 pixels, the outermost of which are
        zero: a window around a pixel beside the map may reach into it. Beyond the map the values are zero.

        Args:
            values: (F, V, J, H, W) heatmaps.
            floors: (F, J) added, 0 or more.
            powers: (F, J) 1, 2 or 4.
            radius: of the windows, which have 2 `radius` + 1 pixels along each side.
        """
        ...

    def connect(self, listings: Sequence[Listing], tree: Tree, shells: Sequence[Reach]) -> Messenger:
        """Return the messenger between listed positions.

        Args:
            listings: J listings of F frames.
            tree: over the J joints.
            shells: one an edge of the tree, in units of the positions.
        """
        ...

    def sum_beliefs(
        self, blocks: Blocks, log_unary: Float[Tensor, " N"], tree: Tree, reaches: Sequence[Reach]
    ) -> BlockBeliefs:
        """Return what the sum-product says of each block.

        Args:
            blocks: N blocks.
            log_unary: (N,) -inf where impossible.
            tree: over the joints.
            reaches: one an edge of the tree, in units of the blocks.
        """
        ...

    def mark_worthy(self, share: Float[Tensor, " N"], blocks: Blocks, rule: Rule) -> Bool[Tensor, " N"]:
        """Return (N,) bool: all but the blocks of least worth that together stay within the budget.

        Args:
            share: (N,) of the marginal, 0 to 1; sums to 1 a joint and frame.
            blocks: N blocks.
            rule: what a block is worth and what may be dropped.
        """
        ...

    def sum_moments(
        self, share: Float[Tensor, " N"], points: Float[Tensor, "3 N"], counts: Int[Tensor, " S"]
    ) -> Float[Tensor, "S 10"]:
        """Return (S, 10) sums in float64 of shares times 1, x, y, z, xx, xy, xz, yy, yz, zz.

        Args:
            share: (N,) of marginals.
            points: (3, N) mm.
            counts: (S,) lengths of the runs of points that are summed, S of them, 0 or more each.
        """
        ...


@cache
def backend_for(device: torch.device) -> Backend:
    """Return the backend for a device: compiled loops on the processor, tensor operations on any other device.

    The loops know the cameras of geometry/camera.py, but for a lens with a thin prism. Other cameras are looked through
    by tensor operations, and all other sums stay compiled. The first model on another device than the processor logs a
    warning: our tests run on processors only.
    """
    if device.type == "cpu":
        return CompiledBackend()
    _log.warning(
        'device "%s": 3D inference on a GPU is untested; compare the poses of some frames with those of the processor '
        "(--device cpu)",
        device,
    )
    return TensorBackend()
