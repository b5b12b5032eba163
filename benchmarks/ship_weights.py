"""Put a network that `poseharvest train2d` has trained into the package, with the TOML file that says what it is.

    python benchmarks/ship_weights.py RUN --recipe "poseharvest train2d --dataset studio ... --out RUN"

RUN is the folder that the command made. The options, the curve and the last PCKh are taken from its `training.json`.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from poseharvest.detectors.published_weights import sha256_of
from poseharvest.detectors.shipped_weights import FOLDER, GENERIC_HOURGLASS, find_shipped

LARGEST_BYTES = 8_000_000


def sidecar(weights: Path, training: dict[str, Any], recipe: str) -> str:
    """Return the TOML file of some weights."""
    options, curve = training["options"], training["curve"]
    lines = {
        "what": f"{training['network']} of the package, trained on drawn pictures alone",
        "licence": "Apache-2.0",
        "sha256": sha256_of(weights),
        "bytes": weights.stat().st_size,
        "recipe": recipe,
        "pckh": round(curve[-1]["pckh"], 2),
        "pckh_by_epoch": [round(row["pckh"], 2) for row in curve],
        "epochs": len(curve),
        "steps": int(curve[-1]["step"]),
        "batch_size": options["batch_size"],
        "learning_rate": options["learning_rate"],
        "seed": options["seed"],
        "samples": json.dumps(training["samples"]),
        "torch": training["versions"]["torch"],
    }
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())


def main() -> None:
    """Copy the weights, write the TOML file, and read both again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="the folder that train2d made")
    parser.add_argument("--recipe", required=True, help="the command that made it")
    parser.add_argument("--name", default=GENERIC_HOURGLASS)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    training = json.loads((arguments.run / "training.json").read_text(encoding="utf-8"))
    weights = arguments.run / "weights.safetensors"
    if not training.get("finished") or weights.stat().st_size > LARGEST_BYTES:
        raise SystemExit(f"{arguments.run}: expected a finished training with weights of at most {LARGEST_BYTES} bytes")
    shutil.copyfile(weights, arguments.folder / f"{arguments.name}.safetensors")
    text = sidecar(weights, training, arguments.recipe)
    (arguments.folder / f"{arguments.name}.toml").write_text(text, encoding="utf-8")
    print(find_shipped(arguments.name, arguments.folder))


if __name__ == "__main__":
    main()
