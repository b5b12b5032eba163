"""Tables 1 and 3 on KTH Multiview Football II: its sequences, and parts judged as rows.

It judges, so nothing that infers may import it. Each table is a module; start with `football_parts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.tables.football import table1, table3
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["table1", "table3"]
