"""The paper's tables, on the data that it was made on or on the studio, beside the numbers that it prints.

Judged by the truth, so nothing that infers may import it. `request` is what is asked, `result` what comes back, `paper`
what was printed.
"""

from __future__ import annotations

from poseharvest.tables.request import TableRequest
from poseharvest.tables.result import ReproducedTable

__all__ = ["ReproducedTable", "TableRequest"]
