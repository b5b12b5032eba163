"""The comparison with other tools: our own cells lead to tests that there are, the others to a page that is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = (REPOSITORY / "docs" / "compare.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(\.\./(tests/[^)]+)\)")


def table(first: str) -> list[list[str]]:
    """The cells of the table whose heading begins so, row by row, without heading and rule."""
    lines = PAGE[PAGE.index(f"| {first} |") :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


FEATURES = table("feature")


@pytest.mark.parametrize("row", FEATURES, ids=lambda row: row[0])
def test_what_we_claim_has_its_test(row):
    assert len(row) == 9
    linked = LINK.findall(row[1])
    assert linked or row[1] == "no"
    for target in linked:
        path = REPOSITORY / target
        files = [path] if path.suffix else sorted(path.rglob("test_*.py"))
        assert files, target
        assert all("def test_" in file.read_text(encoding="utf-8") for file in files), target


@pytest.mark.parametrize("row", FEATURES, ids=lambda row: row[0])
def test_what_others_do_rests_on_a_page_that_is_named(row):
    sources = {name.strip() for cells in table("letter") for name in cells[0].split(",")}
    for cell in row[2:]:
        named = re.findall(r"\[(\w+)\]", cell)
        assert named or re.match(r"(not found|no\b)", cell), cell
        assert set(named) <= sources


def test_pages_have_addresses():
    assert [cells for cells in table("letter") if "<https://" not in cells[1]] == []
    assert len(FEATURES) > 15
