"""Checkpoints: a folder of two safetensors files, the weights and the optimiser's state, and one JSON. No pickle.

weights.safetensors     the network's state dict
optimiser.safetensors   "NAME/parameter" of every parameter, "average/parameter", "random" (the generator's state)
state.json              where the training stands, its options and its curve
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import torch
from pydantic import Field
from torch import Tensor

from poseharvest.detectors.weights_files import read_safetensors
from poseharvest.errors import DetectorError, FormatError, TrainingError
from poseharvest.reading.documents import load_json
from poseharvest.reading.foreign_records import ForeignRecord, checked
from poseharvest.storage.disk import os_errors_as_store_errors
from poseharvest.storage.staging import StagedFolder

FORMAT: Final = "poseharvest checkpoint"
WEIGHTS, OPTIMISER, STATE = "weights.safetensors", "optimiser.safetensors", "state.json"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All that a training needs to continue.

    Attributes:
        weights: the network's state dict.
        optimiser: tensors by "NAME/parameter"; "random" is the state of the training's generator.
        step: steps done, over all epochs.
        options: of the training, in plain data.
        curve: a row of numbers an epoch.
        losses: sum and number of the losses in the epoch that is under way.
    """

    weights: Mapping[str, Tensor]
    optimiser: Mapping[str, Tensor]
    step: int
    options: Mapping[str, Any]
    curve: tuple[Mapping[str, float], ...] = ()
    losses: tuple[float, int] = field(default=(0.0, 0))


def write_checkpoint(checkpoint: Checkpoint, folder: Path) -> None:
    """Write a checkpoint; it replaces an earlier one only when it is complete.

    Raises:
        StoreError: the folder cannot be written, or holds something else.
    """
    staged = StagedFolder(folder, replaceable=is_checkpoint)
    try:
        with os_errors_as_store_errors(folder):
            write_tensors(checkpoint.weights, staged.path / WEIGHTS)
            write_tensors(checkpoint.optimiser, staged.path / OPTIMISER)
            text = json.dumps(_state(checkpoint), indent=2)
            (staged.path / STATE).write_text(text + "\n", encoding="utf-8")
        staged.commit()
    finally:
        staged.discard()


def read_checkpoint(folder: Path) -> Checkpoint:
    """Return the checkpoint in a folder.

    Raises:
        TrainingError: there is none, or it is damaged.
    """
    if not (folder / STATE).is_file():
        raise TrainingError(f"{folder}: expected a checkpoint to continue from, got: No such file or directory")
    where = f"{folder}: the checkpoint is damaged"
    state = checked(_State, load_json(folder / STATE, where=where, error=TrainingError), where, error=TrainingError)
    try:
        weights, optimiser = read_safetensors(folder / WEIGHTS), read_safetensors(folder / OPTIMISER)
    except DetectorError as error:
        raise TrainingError(f"{folder}: the checkpoint is damaged: {error}") from error
    return Checkpoint(weights, optimiser, state.step, state.options, state.curve, state.losses)


class _State(ForeignRecord):
    """What `state.json` holds of a checkpoint."""

    step: Annotated[int, Field(ge=0)]
    options: dict[str, Any]
    curve: tuple[dict[str, int | float], ...]
    losses: tuple[float, Annotated[int, Field(ge=0)]]


def is_checkpoint(folder: Path) -> bool:
    """Return whether a folder holds a checkpoint of ours."""
    try:
        content = load_json(folder / STATE)
    except FormatError:
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT


def write_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors as safetensors, from whatever device they lie on; the same tensors make the same bytes."""
    from safetensors.torch import save

    content = save({name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}, dict(metadata or {}))
    path.write_bytes(_with_sorted_metadata(content))


def _with_sorted_metadata(content: bytes) -> bytes:
    """Return a safetensors file with its metadata sorted by name: the library writes them in an order by chance."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    if "__metadata__" in header:
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of eight bytes
    return len(text).to_bytes(8, "little") + text + content[end:]


def optimiser_tensors(optimiser: torch.optim.Optimizer, names: list[str]) -> dict[str, Tensor]:
    """Return the optimiser's state by "NAME/parameter"; `names` are the parameters in its order."""
    state = optimiser.state_dict()["state"]
    return {
        f"{key}/{name}": torch.as_tensor(value)
        for index, name in enumerate(names)
        for key, value in state.get(index, {}).items()
    }


def load_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor], names: list[str]) -> None:
    """Load the tensors of `optimiser_tensors` into an optimiser.

    Raises:
        TrainingError: they are of another network.
    """
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        kind, _, name = key.partition("/")
        if kind in {"average", "random"}:
            continue
        if name not in names:
            raise TrainingError(f'checkpoint: the optimiser knows "{name}", which the network lacks')
        state.setdefault(names.index(name), {})[kind] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


def _state(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": 1,
        "step": checkpoint.step,
        "losses": list(checkpoint.losses),
        "curve": [dict(row) for row in checkpoint.curve],
        "options": dict(checkpoint.options),
        "torch": torch.__version__,
    }
