"""A harvest of a drawn person by a simulated detector."""

from __future__ import annotations

from rendered_harvest_kit import harvested, simulation

__all__ = ["harvested", "simulation"]  # fixtures of the tests here
