"""The command line: what all commands share, and our errors as exit codes.

Exit 0: done. Exit 1: one of our named errors, on one line. Exit 2: wrong usage. Exit 129, 130, 143: ended by a signal.
"""

from __future__ import annotations

import io
import logging
import signal
import sys
from typing import Annotated

import typer

from poseharvest import __version__
from poseharvest.cli.exit_codes import FAULTY
from poseharvest.cli.flags import in_flags
from poseharvest.cli.lazy_commands import LazyCommands
from poseharvest.cli.log_file import CommandLog
from poseharvest.errors import HarvestError, StoppedError, in_one_line

app = typer.Typer(
    name="poseharvest",
    cls=LazyCommands,
    help="3D poses with honest uncertainty, and training annotations, from calibrated multi-camera footage.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    verbose: Annotated[bool, typer.Option("--verbose", help="Say what is being done.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    shown = logging.StreamHandler()
    shown.setLevel(logging.INFO if verbose else logging.WARNING)
    logging.basicConfig(format="%(message)s", handlers=[shown])
    logging.getLogger("poseharvest").setLevel(logging.INFO)  # the log of the command has it all


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # A pipe or an old terminal may have no letter for a name's: it is shown by its number, not by a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with CommandLog() as log:
        try:
            app(obj=log)
        except SystemExit as end:
            log.is_done = end.code in {None, 0, FAULTY}
            log.outcome = "done" if log.is_done else f"ended with exit code {end.code}"
            raise
        except HarvestError as error:
            message = in_flags(in_one_line(error), app, sys.argv[1:])
            if isinstance(error, StoppedError):
                log.outcome = f"stopped by {signal.Signals(error.signal_number).name}: {message}"
                typer.echo(log.outcome, err=True)
                sys.exit(128 + error.signal_number)
            log.outcome = f"error: {message}"
            typer.echo(log.outcome, err=True)
            sys.exit(1)
