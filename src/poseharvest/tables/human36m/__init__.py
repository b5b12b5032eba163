"""Tables 2, 4 and 5 on Human3.6M: whose sequences, which frames, and errors by action.

It judges, so nothing that infers may import it. Each table is a module; start with `errors_by_action`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.tables.human36m import table2, table4, table5
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["table2", "table4", "table5"]
