"""A hash that tells one network from another of the same name."""

from __future__ import annotations

import hashlib

import torch
from torch import nn


def parameters_sha256(network: nn.Module) -> str:
    """Return the hash of a network's parameters and buffers, hexadecimal: of their names, types, shapes and numbers.

    It is that of no file: the same network has the same hash in whatever format it was stored.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
