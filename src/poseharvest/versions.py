"""Which versions made a result."""

from __future__ import annotations

from importlib import metadata
from platform import python_version

from poseharvest import __version__

_RECORDED_PACKAGES = ("torch", "numpy", "scipy", "pyarrow", "av", "opencv-python-headless")


def current_versions() -> dict[str, str]:
    """Return the versions of poseharvest, Python and the packages that can change a number."""
    installed = {name: metadata.version(name) for name in _RECORDED_PACKAGES}
    return {"poseharvest": __version__, "python": python_version(), **installed}
