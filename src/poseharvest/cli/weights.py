"""`poseharvest weights`: a network's weights as safetensors."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

_SOURCE = "File of the weights, such as EfficientPoseI.h5 or hg2.pth; those that come with the network if not given."
_OUT = "The .safetensors to make; of efficientpose, if not given, where the program looks for it without --weights."


class Network(StrEnum):
    """Networks whose weights lie in other formats."""

    EFFICIENTPOSE = "efficientpose"
    HOURGLASS = "hourglass"


def weights(
    source: Annotated[Path | None, typer.Argument(help=_SOURCE, show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help=_OUT, show_default=False)] = None,
    network: Annotated[Network, typer.Option(help="Whose weights they are.")] = Network.EFFICIENTPOSE,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier file.")] = False,
) -> None:
    """Write a network's weights as safetensors, which are read without h5py and give the same results."""
    from poseharvest.detectors.efficientpose import PARAMETERS_SHA256, converted_weights
    from poseharvest.detectors.network_hash import parameters_sha256
    from poseharvest.detectors.registry import load_detector
    from poseharvest.learning.heatmaps2d.network_files import write_weights
    from poseharvest.learning.personalize.finetune import trainable

    if out is None and network is not Network.EFFICIENTPOSE:
        raise typer.BadParameter(f"expected a .safetensors file for the weights of {network.value}", param_hint="--out")
    if out is not None and out.suffix != ".safetensors":
        raise typer.BadParameter(f"expected a name that ends in .safetensors, got {out.name}", param_hint="--out")
    detector = trainable(load_detector(network.value, weights=source))
    if out is None and parameters_sha256(detector.network) != PARAMETERS_SHA256:
        raise typer.BadParameter("expected a file for weights that are not the published ones", param_hint="--out")
    path = out or converted_weights()
    write_weights(detector, path, overwrite=overwrite)
    Console().print(f"wrote {path}", soft_wrap=True, highlight=False, markup=False)
