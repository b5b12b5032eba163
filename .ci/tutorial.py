"""Run the commands of docs/tutorial.md as they stand, and compare what comes out with what the footage was drawn from.

Run: `.venv/bin/python .ci/tutorial.py`. It ends with an error if a command fails or the result is worse than the page
promises.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.annotations.reader import Harvest
from poseharvest.diagnosis.verdict import verdict_of

ROOT = Path(__file__).resolve().parent.parent
FRAME_RATE = 30.0
MOST_PICTURES, MOST_RATIO = 0.3, 1.1
TRUE_HARVEST = (
    "poseharvest harvest footage/walk --calibration footage/truth/rig.json --detector hourglass --out true-harvest"
)


def main() -> None:
    """Run the page in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "examples").symlink_to(ROOT / "examples")
        for command in commands_of_page():
            run(command, place)
        truth = place / "footage" / "truth"
        starts_s = json.loads((truth / "starts_s.json").read_text(encoding="utf-8"))
        off = largest_offset_error(place / "footage" / "walk" / "capture.toml", starts_s)
        write_true_clocks(place / "footage" / "walk" / "capture.toml", starts_s)
        run(TRUE_HARVEST, place)
        positions = np.load(truth / "positions_mm.npy")
        verdict = verdict_of(Harvest.open(place / "walk-harvest"))
        found, true = (mean_error_mm(place / name, positions) for name in ("walk-harvest", "true-harvest"))
    print(f"largest error of an offset: {off:.2f} pictures")
    print(f"mean error of joints, no alignment: {found:.1f} mm; with true cameras and offsets {true:.1f} mm")
    if verdict.level == "wrong":
        sys.exit(f"expected a harvest without a fault, got {verdict.sentence}")
    if off > MOST_PICTURES or found > MOST_RATIO * true:
        sys.exit(f"expected offsets within {MOST_PICTURES} pictures, and at most {MOST_RATIO} times the second error")


def commands_of_page() -> list[str]:
    """Return the commands of the page in order."""
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def run(command: str, folder: Path) -> None:
    """Run a command as a user with the environment on the path would."""
    print(f"$ {command}", flush=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["bash", "-c", command], cwd=folder, env={**os.environ, "PATH": path}, check=True)


def largest_offset_error(settings: Path, starts_s: dict[str, float]) -> float:
    """Return by how many pictures the written offsets are off at most; infinite if one is missing."""
    written = tomllib.loads(settings.read_text(encoding="utf-8")).get("offsets", {})
    found = {view: float(str(text).split()[0]) for view, text in written.items()}
    first, *others = starts_s
    return max(abs(found.get(view, np.inf) - (starts_s[view] - starts_s[first])) * FRAME_RATE for view in others)


def write_true_clocks(settings: Path, starts_s: dict[str, float]) -> None:
    """Replace the offsets by the true ones."""
    lines = [f"{view} = {start}" for view, start in starts_s.items()]
    settings.write_text("\n".join(["[offsets]", *lines, ""]), encoding="utf-8")


def mean_error_mm(path: Path, positions: NDArray[np.float64]) -> float:
    """Return the mean distance of a harvest's joints from the true positions (F, J, 3) between whose frames it lies."""
    errors = []
    for record in Harvest.open(path).iter_frames():
        before = int(np.floor(record.time_s * FRAME_RATE))
        if not 0 <= before < len(positions) - 1:
            continue
        share = record.time_s * FRAME_RATE - before
        truth = torch.from_numpy((1 - share) * positions[before] + share * positions[before + 1])
        errors.append((record.mean - truth).norm(dim=-1)[record.supported])
    return float(torch.cat(errors).mean())


if __name__ == "__main__":
    main()
