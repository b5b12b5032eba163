"""The ways to do the sums of the search: compiled loops for the processor, tensor operations for any device.

Start at `backend.py`: `Backend` says what a way must do, and `backend_for` chooses it once for a model.

- `compiled_backend.py`: loops over blocks, pairs and shares. They are in `evidence_loops.py`,
  `pair_loops.py` and `block_loops.py`; numba compiles them.
- `tensor_backend.py`: the same by tensor operations, with the sums over pairs in `pair_matrices.py` and one message
  after the other in `messages.py`. The tests hold both to the same laws (`tests/pictorial/backends`).
- `fft.py`: no `Backend`, since it knows no blocks. It sums over the whole grid and is the reference (Sec. 3.2, Eq. 4).

Nothing here chooses what is summed: that is in `coarse_to_fine.py`. The order of the messages is that of
`sum_product.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.pictorial.backends.backend import Backend, backend_for
    from poseharvest.pictorial.backends.fft import GridMessenger
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["Backend", "GridMessenger", "backend_for"]
