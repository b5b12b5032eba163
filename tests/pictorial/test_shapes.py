"""Shapes stand in the annotations of pictorial/, and its tests check them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch
from jaxtyping import TypeCheckError

from poseharvest import pictorial
from poseharvest.pictorial.backends.compiled_backend import CompiledBackend
from poseharvest.pictorial.blocks import Blocks, halves_of
from poseharvest.pictorial.posterior import moments_of_sums

FILES = sorted(Path(pictorial.__file__).parent.rglob("*.py"))
GIVES_ITS_KIND = "like"  # a tensor of which dtype and device count


def without_shape(path: Path) -> list[str]:
    """Parameters and results of public functions whose annotation is a tensor of no shape."""
    wrong = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and (node.name == "__init__" or not node.name.startswith("_")):
            hints = {a.arg: a.annotation for a in (*node.args.args, *node.args.kwonlyargs)} | {"return": node.returns}
            wrong += [
                f"{node.name}: {name}" for name, hint in hints.items() if hint and bare(hint) and name != GIVES_ITS_KIND
            ]
    return wrong


def bare(hint: ast.expr) -> bool:
    """Return whether a hint names a tensor outside of Float[Tensor, ...] and its like."""
    if isinstance(hint, ast.Subscript) and ast.unparse(hint.value) in {"Bool", "Float", "Int", "Num"}:
        return False
    children = [child for child in ast.iter_child_nodes(hint) if isinstance(child, ast.expr)]
    return (isinstance(hint, ast.Name) and hint.id == "Tensor") or any(bare(child) for child in children)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_public_signature_names_its_shapes(path):
    assert without_shape(path) == []


def test_a_wrong_shape_or_kind_of_number_is_caught():
    with pytest.raises(TypeCheckError):
        halves_of(torch.zeros(2, 5))
    with pytest.raises(TypeCheckError):
        moments_of_sums(torch.zeros(4, 9), [])
    with pytest.raises(TypeCheckError):
        CompiledBackend().sum_moments(torch.zeros(5), torch.zeros(3, 4), torch.tensor([4]))
    with pytest.raises(TypeCheckError):
        Blocks(torch.zeros(3, 2), torch.zeros(2), 2, 8, 1, 1)
