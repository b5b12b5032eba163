"""What an installed wheel must do, run from anywhere: see people, harvest and report with all that is shipped in it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import poseharvest
from poseharvest.detectors.registry import load_detector
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.report.html import report
from poseharvest.simulation.crowd import simulate_crowd


def main() -> None:
    """Run, and end with an error if something is missing."""
    home = Path(poseharvest.__file__).resolve()
    if "site-packages" not in home.parts:
        sys.exit(f"expected an installed wheel, got the sources at {home.parent}")
    command = Path(sys.executable).with_name("poseharvest")
    subprocess.run([command, "--version"], check=True)
    print("shipped network:", load_detector("hourglass").name)
    simulation = simulate_crowd(1, 12, num_views=3)
    with tempfile.TemporaryDirectory() as folder:
        made = harvest(
            simulation.capture, simulation.keypoints, Path(folder) / "harvest", options=HarvestOptions(num_previews=0)
        )
        page = report(made.path)
        print(f"harvested {sum(1 for _ in made.iter_frames())} frames; report: {page.stat().st_size} bytes")
        subprocess.run([command, "export", made.path, "--format", "trc", "--out", Path(folder) / "x.trc"], check=True)


if __name__ == "__main__":
    main()
