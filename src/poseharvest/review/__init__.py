"""`poseharvest review`: a page on this machine alone, where a person accepts, rejects or drags joints, worst first.

It changes no harvest: decisions go to the file beside it (`annotations/reviews`), and what they mean is said there
(`annotations/reviewed_rows`). Start with `session`, what the page asks for; `server` lets nobody else ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.review.server import ReviewServer
    from poseharvest.review.session import ReviewSession
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["ReviewServer", "ReviewSession"]
