"""The paper's tables, on the data that it was made on or on the studio, beside the numbers that it prints.

Judged by the truth, so nothing that infers may import it. `request` is what is asked, `result` what comes back, `paper`
what was printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.tables.request import TableRequest
    from poseharvest.tables.result import ReproducedTable
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["ReproducedTable", "TableRequest"]
