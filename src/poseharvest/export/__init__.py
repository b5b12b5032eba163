"""A harvest in the formats of other tools, one module each.

It never changes a harvest. Start with `registry`; a new format is one module and one line there.
"""

from __future__ import annotations

from poseharvest.export.registry import EXPORTERS, export, export_with_findings

__all__ = ["EXPORTERS", "export", "export_with_findings"]
