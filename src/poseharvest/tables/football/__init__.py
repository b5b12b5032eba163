"""Tables 1 and 3 on KTH Multiview Football II: its sequences, and parts judged as rows.

It judges, so nothing that infers may import it. Each table is a module; start with `football_parts`.
"""

from poseharvest.tables.football import table1, table3

__all__ = ["table1", "table3"]
