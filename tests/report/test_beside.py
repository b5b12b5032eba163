"""Two harvests in one page: names and numbers of both, and both reports in frames."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import StoreError
from poseharvest.findings import Finding
from poseharvest.report import report_beside
from poseharvest.report.collect import ReportContent
from poseharvest.report.html import write_page
from walker_kit import Recipe, write_walk


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """A shorter harvest that is wrong."""
    wrong = Finding("error", "body", "the limbs are those of a giant")
    recipe = Recipe(num_frames=25, pictured=(), findings=(wrong,), seed=4)
    return write_walk(tmp_path_factory.mktemp("beside") / 'a "second" & last', recipe)


def test_both_are_named_judged_and_compared(harvest: Harvest, other: Harvest, content: ReportContent) -> None:
    page = report_beside(harvest.path, other.path)
    assert page == harvest.path / "report" / "beside.html"
    text = page.read_text(encoding="utf-8")
    assert 'class="verdict look"' in text
    assert "&amp; last: Wrong: the limbs are those of a giant." in text
    rows = dict(re.findall(r"<tr><td>([^<]*)</td><td>([^<]*)</td>", text))
    assert rows["frames with a person"] == "40"
    assert float(rows["sigma, median, mm"]) == pytest.approx(content.joints.sigma.median, rel=0.01)
    wrist = content.joints.joints[content.skeleton.index("left_wrist")]
    assert float(rows["sigma of the left wrist, median, mm"]) == pytest.approx(wrist.sigma.median, rel=0.01)


def test_the_frames_lead_to_the_reports(harvest: Harvest, other: Harvest, tmp_path: Path) -> None:
    page = report_beside(harvest.path, other.path, tmp_path / "sub" / "both.html")
    addresses = re.findall(r'<iframe src="([^"]*)"', page.read_text(encoding="utf-8"))
    assert len(addresses) == 2
    for address, one in zip(addresses, (harvest, other), strict=True):
        assert (page.parent / unquote(address)).resolve() == (one.path / "report" / "index.html").resolve()
        assert (one.path / "report" / "index.html").is_file()


def test_a_page_that_exists_is_kept(harvest: Harvest, other: Harvest, tmp_path: Path) -> None:
    (tmp_path / "both.html").write_text("mine")
    with pytest.raises(StoreError, match=r"both.html: already exists"):
        report_beside(harvest.path, other.path, tmp_path / "both.html")
    assert (tmp_path / "both.html").read_text() == "mine"
    report_beside(harvest.path, other.path, tmp_path / "both.html", overwrite=True)


def test_the_page_of_one_is_the_page_that_report_writes(harvest: Harvest, tmp_path: Path) -> None:
    path, content = write_page(harvest.path, tmp_path / "one.html")
    assert path.is_file()
    assert content.info == harvest.info
