"""poseharvest: 3D human poses, their uncertainty and training annotations from multi-camera footage."""

from __future__ import annotations

__version__ = "0.1.0"
