"""On which device things run: what "auto" becomes, and whether a device can be used."""

from __future__ import annotations

from typing import Final

from poseharvest.errors import ConfigError, HarvestError

AUTO: Final = "auto"
"""A GPU if torch sees one, else the processor."""

PROCESSOR: Final = "cpu"
GPU: Final = "cuda"


def fastest_device() -> str:
    """Return "cuda" if torch sees a GPU, else "cpu"."""
    import torch

    return GPU if torch.cuda.is_available() else PROCESSOR


def network_device(device: str) -> str:
    """Return where a network is to run or to be trained; "auto" is the fastest device."""
    return fastest_device() if device == AUTO else device


def inference_device(device: str) -> str:
    """Return where the 3D inference is to run; "auto" is the processor, on which its tests run."""
    return PROCESSOR if device == AUTO else device


def check_device(device: str, *, what: str = "device", error: type[HarvestError] = ConfigError) -> None:
    """Refuse a device that this machine or this torch lacks; the processor is always there, and torch is not asked.

    Raises:
        HarvestError: of type `error`; `what` begins its message.
    """
    if device == PROCESSOR:
        return
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as failure:
        reason = str(failure).splitlines()[0]
        raise error(f'{what}: "{device}" cannot be used: {reason}') from failure
