"""The page of a review: one document with its own style and scripts, which asks this server alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from markupsafe import Markup

from poseharvest.report.page_templates import page_environment
from poseharvest.report.payload import script_safe

_COLUMNS = {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3}
_SCRIPTS = ("joint_view.js", "review.js")


def render_review(facts: Mapping[str, Any], nonce: str) -> str:
    """Return the page. Every name from the harvest is escaped.

    Args:
        facts: what `ReviewSession.facts` says.
        nonce: the word by which the browser knows the page's own scripts and style.
    """
    template = page_environment("poseharvest.review").get_template("review.html.j2")
    return template.render(
        facts=facts,
        columns=_COLUMNS.get(len(facts["views"]), 4),
        nonce=nonce,
        data=script_safe(json.dumps(facts, separators=(",", ":"), allow_nan=False)),
        style=_asset("review.css"),
        scripts=[_asset(name) for name in _SCRIPTS],
    )


@cache
def _asset(name: str) -> Markup:
    """Return a style sheet or script of this package, not escaped, since it holds no text from the harvest."""
    return Markup(resources.files("poseharvest.review").joinpath("templates", name).read_text(encoding="utf-8"))
