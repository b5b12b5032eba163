"""What the studies share: their options, and the sequences that these ask for."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

from drawn import NETWORK, drawn_sequence
from poseharvest.pictorial.inference_options import InferenceOptions
from simulated import ERRORS, Sequence, print_errors, sequence


def sequences(arguments: argparse.Namespace, seeds: range) -> Iterator[Sequence]:
    """Yield the sequences of some seeds, saying how long each took."""
    for seed in seeds:
        start = time.perf_counter()
        yield _sequence(arguments, seed)
        print(f"  sequence {seed}: {time.perf_counter() - start:.1f} s", flush=True)


def _sequence(arguments: argparse.Namespace, seed: int) -> Sequence:
    sizes = {name: getattr(arguments, name) for name in ("frames", "every", "learn_from")}
    chosen = inference_of(arguments)
    if arguments.errors == NETWORK:
        return drawn_sequence(seed, inference=chosen, **sizes)
    return sequence(seed, errors=ERRORS[arguments.errors], inference=chosen, **sizes)


def add_inference(options: argparse.ArgumentParser) -> None:
    """Add what an inference is told of its likelihood."""
    options.add_argument("--floor", type=float, default=InferenceOptions.floor, help="of the inference")
    options.add_argument("--height-power", type=float, default=InferenceOptions.height_power, help="of the inference")
    options.add_argument("--sharpen", type=float, default=InferenceOptions.sharpen, help="of the inference")


def inference_of(arguments: argparse.Namespace) -> InferenceOptions:
    """Return the inference that they ask for."""
    return InferenceOptions(floor=arguments.floor, height_power=arguments.height_power, sharpen=arguments.sharpen)


def say_errors(name: str) -> None:
    """Print what mistakes the detector makes."""
    if name == NETWORK:
        print("detector errors: those of the shipped hourglass on drawn pictures of the target world")
    else:
        print_errors(name)


def parser(description: str | None, *, drawn: bool = True) -> argparse.ArgumentParser:
    """Return the options that all studies share.

    Args:
        description: of the study.
        drawn: a network on drawn pictures will do, or else a detector must be simulated.
    """
    names = (*ERRORS, NETWORK) if drawn else tuple(ERRORS)
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", type=int, default=400, help="of each sequence")
    options.add_argument("--every", type=int, default=10, help="judge every n-th frame")
    options.add_argument("--learn-from", type=int, default=None, help="frames for the limb lengths; all if not given")
    add_inference(options)
    options.add_argument("--errors", choices=names, default="realistic", help="the detector's mistakes")
    return options
