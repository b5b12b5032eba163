"""Checks of shape and of finite values, run once where a data object is built."""

from __future__ import annotations

import torch
from torch import Tensor

from poseharvest.errors import ShapeError


def check_shape(name: str, value: Tensor, shape: str, **sizes: int) -> dict[str, int]:
    """Return the sizes bound to the letters of `shape`, after checking `value` against it.

    Args:
        name: what the tensor is, for the message.
        value: the tensor.
        shape: axis letters and numbers, as in ``"V J 2"``.
        sizes: letters whose size is already known.

    Raises:
        ShapeError: the rank or a size differs.
    """
    axes = shape.split()
    bound = dict(sizes)
    if value.ndim != len(axes):
        raise ShapeError(f"{name}: expected shape ({shape}), got {tuple(value.shape)}")
    for axis, size in zip(axes, value.shape, strict=True):
        wanted = int(axis) if axis.isdigit() else bound.setdefault(axis, size)
        if size != wanted:
            known = ", ".join(f"{k}={v}" for k, v in sizes.items())
            hint = f" with {known}" if known else ""
            raise ShapeError(f"{name}: expected shape ({shape}){hint}, got {tuple(value.shape)}")
    return bound


def check_finite(name: str, value: Tensor) -> None:
    """Raise ShapeError if `value` holds NaN or infinity; the message counts them."""
    # NaN or infinity reaches the sum, which takes a fortieth of the time. A sum that overflows is no error.
    if bool(torch.isfinite(value.sum())):
        return
    bad = ~torch.isfinite(value)
    if bool(bad.any()):
        raise ShapeError(f"{name}: expected finite numbers, got {int(bad.sum())} of {value.numel()} NaN or infinite")
