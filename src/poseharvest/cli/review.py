"""`poseharvest review`: look at the least certain joints of a harvest, and correct them."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

_CAPTURE = "Folder of the footage, if it is not where the harvest says."
_MOST = "Joints in the list, the least certain first."
_UNSUPPORTED = "List joints that no two views show as well."
_BY = "Who decides; stands in every decision."
_PORT = "Port of the page on this machine; 0 takes a free one."


def review(  # noqa: PLR0913, PLR0917 - every option of the command is a parameter
    harvest: Annotated[Path, typer.Argument(help="The harvest folder.", show_default=False)],
    capture: Annotated[Path | None, typer.Option(help=_CAPTURE, show_default=False)] = None,
    most: Annotated[int, typer.Option(min=1, help=_MOST)] = 80,
    unsupported: Annotated[bool, typer.Option("--unsupported", help=_UNSUPPORTED)] = False,
    by: Annotated[str | None, typer.Option(help=_BY, show_default=False)] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help=_PORT)] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, and open nothing.")] = False,
) -> None:
    """Accept, reject or drag the least certain joints on a page on this machine; exports and trainings follow."""
    from poseharvest.annotations.reader import Harvest
    from poseharvest.annotations.reviews import reviews_path
    from poseharvest.errors import NoteOnError, StoreError
    from poseharvest.review.server import ReviewServer
    from poseharvest.review.session import ReviewOptions, ReviewSession
    from poseharvest.storage.object_store import is_remote

    if is_remote(harvest):
        raise StoreError(f"{harvest}: expected a harvest on this machine, whose decisions stay: copy it first")
    console = Console(soft_wrap=True, highlight=False, markup=False)
    opened = Harvest.open(harvest)
    options = ReviewOptions(most=most, with_unsupported=unsupported, by=by, capture=capture)
    note = NoteOnError(f"every decision that the page confirmed is in {reviews_path(opened.path)}")
    with note, ReviewSession(opened, options) as session, ReviewServer(session, port) as server:
        if session.pictures.missing is not None:
            console.print(f"warning: no footage is shown: {session.pictures.missing}")
        console.print(f"{len(session.reviews.standing)} decisions so far: {session.reviews.path}")
        console.print(f"review at {server.url} (Ctrl-C ends it)")
        if not no_browser:
            webbrowser.open(server.url)
        server.serve_forever()
