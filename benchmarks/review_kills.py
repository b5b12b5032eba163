"""Whether a confirmed decision of a review is ever lost when its process is killed.

python benchmarks/review_kills.py --decisions 500 --kills 60

A harvest of simulated poses is reviewed by the command itself, `poseharvest review`. Decisions of all kinds are sent to
its server, one after another. At random moments the process is killed with SIGKILL, at once begun again, and the next
decision is sent. What the server confirmed is written down here. At the end the file of the decisions must hold every
confirmed one, in order, and no more than one more for each kill: one that was written and not confirmed any more.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from study.killed_reviews import ReviewBench


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decisions", type=int, default=500)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bench = ReviewBench.prepare(Path(name), seed=arguments.seed)
        outcome = bench.run(arguments.decisions, arguments.kills)
    print(f"{outcome.confirmed:6d} decisions confirmed")
    print(f"{outcome.kills:6d} processes killed, {outcome.unanswered} of them while a decision was not answered yet")
    print(f"{outcome.torn:6d} times the file ended within a line")
    print(f"{outcome.lost:6d} confirmed decisions lost")
    print(f"{outcome.unconfirmed:6d} decisions in the file that were not confirmed")


if __name__ == "__main__":
    main()
