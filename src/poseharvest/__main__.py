"""The command line: `poseharvest`, and `python -m poseharvest`.

Nothing slow is imported before the signals are heard.
"""

from __future__ import annotations

import sys

from poseharvest.cli.stop_signals import StopSignals


def main() -> None:
    """Run the command line, and end with one line if a signal comes, at whatever moment."""
    with StopSignals() as signals:
        status = _run(signals)
        signals.end(status)
    sys.exit(status)


def _run(signals: StopSignals) -> int:
    """Run the command and return its exit status."""
    from poseharvest.cli.app import main as run

    signals.has_begun = True
    try:
        run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    main()
