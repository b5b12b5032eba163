"""A harvest in the formats of other tools, one module each.

It never changes a harvest. Start with `registry`; a new format is one module and one line there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.export.registry import EXPORTERS, export, export_with_findings
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["EXPORTERS", "export", "export_with_findings"]
