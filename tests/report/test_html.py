"""The page: well formed, alone, escaped, complete."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.errors import StoreError
from poseharvest.findings import Finding
from poseharvest.report import render, report
from poseharvest.report.collect import ReportContent, collect
from walker_kit import Recipe, write_walk

VOID = {"meta", "link", "br", "img", "input", "hr"}
EVIL = '<script>document.title="pwned"</script>"\'&'


class Checker(HTMLParser):
    """Collects what is wrong with the nesting, and every attribute and script."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.problems: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.ids: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)


def parse(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    checker.close()
    return checker


@pytest.fixture(scope="module")
def page(harvest: Harvest) -> str:
    return render(collect(harvest))


def test_the_page_is_well_formed(page: str) -> None:
    checker = parse(page)
    assert checker.problems == []
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))


def test_the_page_loads_nothing(page: str) -> None:
    for tag, name, value in parse(page).attributes:
        if name in {"src", "href", "action", "poster", "data"}:
            assert value.startswith(("data:", "#")), (tag, name, value[:80])
    assert not re.search(r"(https?:)?//[a-z0-9.-]+\.[a-z]{2,}", re.sub(r"base64,[A-Za-z0-9+/=]+", "", page))
    assert not re.search(r"@import|url\(\s*['\"]?(?!data:)|fetch\(|XMLHttpRequest|WebSocket|sendBeacon", page)


def test_every_link_has_its_target(page: str) -> None:
    checker = parse(page)
    links = {value[1:] for tag, name, value in checker.attributes if tag == "a" and name == "href"}
    assert links
    assert links <= set(checker.ids)


def test_names_from_the_harvest_cannot_run(tmp_path: Path) -> None:
    finding = Finding(severity="warning", topic=EVIL, message=EVIL)
    harvest = write_walk(tmp_path / "h", Recipe(num_frames=3, capture_name=EVIL, findings=(finding,), pictured=()))
    hostile = render(collect(harvest))
    plain = render(collect(write_walk(tmp_path / "plain", Recipe(num_frames=3, pictured=()))))
    assert hostile.count("<script") == plain.count("<script")
    assert "&lt;script&gt;" in hostile
    assert parse(hostile).problems == []


def test_view_names_cannot_end_the_data_element(tmp_path: Path) -> None:
    view = "</script><img src=x onerror=alert(1)>"
    harvest = write_walk(tmp_path / "h", Recipe(num_frames=2, pictured=(0,), first_view=view))
    checker = parse(render(collect(harvest)))
    assert not any(tag == "img" for tag, _, _ in checker.attributes)
    assert data_of(checker)["cameras"][0]["name"] == view


def data_of(checker: Checker) -> dict:  # type: ignore[type-arg]
    return json_of(checker, '{"joints"')


def take_of(checker: Checker) -> dict:  # type: ignore[type-arg]
    return json_of(checker, '{"frames"')


def json_of(checker: Checker, start: str) -> dict:  # type: ignore[type-arg]
    (text,) = [text for text in checker.scripts if text.startswith(start)]
    return json.loads(text)


def test_the_data_is_plain_json_without_nan(page: str) -> None:
    data = data_of(parse(page))
    assert len(data["joints"]) == 16
    assert [piece["moments"] for piece in data["pieces"]] == [40]
    assert take_of(parse(page))["frames"] == list(range(40))
    assert data["timelines"][0]["sigma_mm"][10][5] is None  # the right wrist that no camera sees


def test_the_headline_is_that_of_the_harvest(harvest: Harvest, page: str) -> None:
    content = collect(harvest)
    assert f"over all {content.joints.num:,} positions of a joint in a frame" in page
    assert "<small>mm</small></p>\n<p>Sigma = det(cov)" in page
    assert "% selected" not in page.split("<nav", maxsplit=1)[0]  # the share that was asked for is no news
    assert "walk on a circle" in page
    assert harvest.info.detector.name in page


def test_warnings_stand_before_notes_and_name_the_culprits(page: str) -> None:
    order = re.findall(r"<b>(Warning|Note) · ([^<]+)</b>", page)
    assert [kind for kind, _ in order] == sorted((kind for kind, _ in order), reverse=True)
    assert ("Warning", "camera cam03") in order  # absent for six moments
    assert ("Note", "view cam04") in order  # a third of its peaks are wrong, the others as near as those of the rest
    assert ("Warning", "limb lengths") in order  # a shank 12 % too long
    assert "right knee – right ankle (median −48 mm" in page


def test_a_harvest_without_pictures_has_no_picture_section(tmp_path: Path) -> None:
    page = render(collect(write_walk(tmp_path / "h", Recipe(num_frames=2, pictured=()))))
    assert "pictures-title" not in page
    assert parse(page).problems == []


def test_a_harvest_in_which_nothing_is_seen_says_so(tmp_path: Path) -> None:
    page = render(collect(write_walk(tmp_path / "h", Recipe(num_frames=3, pictured=(0,), blind=True))))
    checker = parse(page)
    assert checker.problems == []
    assert "hardly any frame has two views that show " in page
    assert "Wrong: no two cameras show any joint, so every position is a guess" in page
    assert data_of(checker)["stage"]["up"] == [0, 0, 1]


def test_the_chart_has_defined_angles_or_those_between_limbs(content: ReportContent) -> None:
    page = render(content)
    assert '<option value="definition 0">' in page
    assert '<option value="angle ' not in page
    other = render(replace(content, angles=()))
    assert '<option value="definition 0">' not in other
    assert re.search(r'<option value="angle \d+">left knee, angle', other)


def test_the_report_lands_in_the_harvest_and_may_be_made_again(tmp_path: Path) -> None:
    harvest = write_walk(tmp_path / "h", Recipe(num_frames=2, pictured=(0,)))
    first = report(harvest.path)
    assert first == harvest.path / "report" / "index.html"
    assert report(harvest.path).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert Harvest.open(harvest.path).info.counts.frames == 2


def test_a_file_that_exists_is_kept(tmp_path: Path) -> None:
    harvest = write_walk(tmp_path / "h", Recipe(num_frames=2, pictured=()))
    (tmp_path / "notes.html").write_text("mine")
    with pytest.raises(StoreError, match=r"notes.html: already exists"):
        report(harvest.path, tmp_path / "notes.html")
    assert (tmp_path / "notes.html").read_text() == "mine"
    report(harvest.path, tmp_path / "notes.html", overwrite=True)
    assert "<!DOCTYPE html>" in (tmp_path / "notes.html").read_text(encoding="utf-8")


def test_a_folder_that_is_no_harvest_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not a harvest"):
        report(tmp_path)
