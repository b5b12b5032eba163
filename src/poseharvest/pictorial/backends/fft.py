"""Sums over shells on the whole grid, by FFT: the reference.

The FFT leaves noise of about the precision of the dtype times a message's maximum: values that come out negative are
zero. Use float64 where that matters.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from poseharvest.pictorial.pairwise import Shell
from poseharvest.pictorial.shapes import Float
from poseharvest.pictorial.sum_product import Messenger

_AXES = (-3, -2, -1)


class GridMessenger(Messenger):
    """A `Messenger` between joints that all live on one grid. It holds the shells' transforms, for any frame."""

    def __init__(self, shape: Sequence[int], shells: Sequence[Shell], like: Tensor) -> None:
        """Transform the shells.

        Args:
            shape: X, Y, Z of the grid.
            shells: one an edge.
            like: a tensor of the dtype and on the device of the work.
        """
        from scipy.fft import next_fast_len  # takes a third of a second to import, and few harvests need the FFT

        radius = max((shell.radius for shell in shells), default=0)
        # The grid plus the kernel's radius: less, and the shell wraps around.
        self._size = tuple(next_fast_len(n + radius, real=True) for n in shape)
        self._shape = tuple(shape)
        self._spectra = [self._spectrum(shell.kernel().to(like)) for shell in shells]

    def _spectrum(self, kernel: Tensor) -> Tensor:
        padded = kernel.new_zeros(self._size)
        offsets = torch.arange(kernel.shape[0], device=kernel.device) - kernel.shape[0] // 2
        # An offset larger than the grid joins no two voxels of it.
        keep = [offsets.abs() < n for n in self._shape]
        inner = kernel[keep[0]][:, keep[1]][:, :, keep[2]]
        x, y, z = (offsets[k] % n for k, n in zip(keep, self._size, strict=True))
        padded[x[:, None, None], y[None, :, None], z[None, None, :]] = inner
        spectrum: Tensor = torch.fft.rfftn(padded, dim=_AXES)
        return spectrum

    def up(self, edge: int, values: Float[Tensor, "F X Y Z"]) -> Float[Tensor, "F X Y Z"]:
        """Return the sums of `values` (F, X, Y, Z) over the shell of `edge` around every voxel."""
        spectrum = torch.fft.rfftn(values, s=self._size, dim=_AXES) * self._spectra[edge]
        full: Tensor = torch.fft.irfftn(spectrum, s=self._size, dim=_AXES)
        x, y, z = self._shape
        return full[..., :x, :y, :z].clamp_min(0)

    def down(self, edge: int, values: Float[Tensor, "F X Y Z"]) -> Float[Tensor, "F X Y Z"]:
        """Return the same as `up`: a shell looks the same from both ends."""
        return self.up(edge, values)
