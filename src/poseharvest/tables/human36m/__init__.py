"""Tables 2, 4 and 5 on Human3.6M: whose sequences, which frames, and errors by action.

It judges, so nothing that infers may import it. Each table is a module; start with `errors_by_action`.
"""

from poseharvest.tables.human36m import table2, table4, table5

__all__ = ["table2", "table4", "table5"]
