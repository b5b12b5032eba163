"""Run docs/first_harvest.ipynb as it stands and keep it with what it printed and drew, for the site.

Run: `.venv/bin/python .ci/notebook.py`. It ends with an error if a cell does. The notebook in the repository stays
without outputs; the one that was run is `build/first_harvest.ipynb`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 300


def main() -> None:
    """Run every cell in a kernel of this Python."""
    notebook = nbformat.read(ROOT / "docs" / "first_harvest.ipynb", as_version=4)
    start = time.monotonic()
    NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    if not any("image/png" in output.get("data", {}) for output in outputs):
        sys.exit("docs/first_harvest.ipynb: expected at least one figure, got none")
    (ROOT / "build").mkdir(exist_ok=True)
    nbformat.write(notebook, ROOT / "build" / "first_harvest.ipynb")
    print(f"docs/first_harvest.ipynb: {len(outputs)} outputs in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
