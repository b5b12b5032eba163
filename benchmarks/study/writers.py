"""Processes that write to one name, to see what stands under it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = """
import sys, time
from pathlib import Path
from poseharvest.errors import StoreError
from poseharvest.storage.staging import StagedFolder
go, target, overwrite = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "overwrite"
print("ready", flush=True)
while not go.exists():
    time.sleep(0.0005)
try:
    staged = StagedFolder(target, replaceable=(lambda folder: (folder / "last").is_file()) if overwrite else None)
    for name in ("first", "middle", "last"):
        (staged.path / name).write_text(sys.argv[4])
        time.sleep(0.002)
    staged.commit()
    print("done", flush=True)
except StoreError as error:
    print(error, flush=True)
"""
"""Writes a folder of three files with one text, waiting for a file to appear first."""

FILE = FOLDER.replace("StagedFolder\n", "staged_file\n").replace(
    FOLDER[FOLDER.index("    staged =") : FOLDER.index('    print("done"')],
    """    with staged_file(target, overwrite=overwrite) as temporary, temporary.open("w") as stream:
        for _ in range(3):
            stream.write(sys.argv[4])
            time.sleep(0.002)
""",
)
"""Writes a file of three times the text."""


def start(program: str, go: Path, target: Path, texts: Sequence[str], *, overwrite: bool = False) -> list[Process]:
    """Start one process a text, and return when all of them wait for the file `go`."""
    how = "overwrite" if overwrite else "new"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(go), str(target), how, text], stdout=subprocess.PIPE, text=True
        )
        for text in texts
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    return processes


Process = subprocess.Popen[str]


def outcomes(processes: Sequence[Process]) -> list[str]:
    """Return what each process says at its end: "done", or the error by which it refused."""
    return [process.communicate(timeout=60)[0].strip() for process in processes]
