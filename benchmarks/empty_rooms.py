"""How high do a network's peaks rise where nobody is? The best window of empty rooms beside that of people.

    python benchmarks/empty_rooms.py
    python benchmarks/empty_rooms.py --world target --pictures 40

Pictures of the studio, with and without the person, are searched as `poseharvest predict --detector hourglass` does. It
prints the mean height of the peaks in the best window of each, which `localization.one_view.MIN_FOUND` has to divide.
"""

from __future__ import annotations

import argparse

import numpy as np

from poseharvest import load_detector
from poseharvest.arrays import Image
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.localization.find.scan import PictureSearch
from poseharvest.localization.follow.one_view import MIN_FOUND
from poseharvest.studio import empty_room, sample
from simulated import single_thread

_PICTURE = {"size": 200, "margin": 1.3}


def best_window(detector: HeatmapDetector, image: Image) -> float:
    """Return the highest mean of peaks that a search of the picture ends with."""
    look = PictureSearch(detector, image, (image.shape[0], image.shape[1]), "view", 0)
    return max((person.confidence for person in look.people()), default=0.0)


def main() -> None:
    """Print both kinds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", choices=("generic", "target"), default="generic")
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--seed", type=int, default=4242)
    arguments = parser.parse_args()
    single_thread()
    detector = load_detector("hourglass")
    numbers = range(arguments.pictures)
    kinds = {
        "nobody": (empty_room(arguments.world, arguments.seed, i, **_PICTURE) for i in numbers),
        "people": (sample(arguments.world, arguments.seed, i, **_PICTURE).image for i in numbers),
    }
    for name, pictures in kinds.items():
        best = np.array([best_window(detector, picture) for picture in pictures])
        low, middle, high = best.min(), np.median(best), best.max()
        found = int((best >= MIN_FOUND).sum())
        print(f"{name}: {low:.2f} to {high:.2f}, median {middle:.2f}; found in {found} of {len(best)} pictures")


if __name__ == "__main__":
    main()
