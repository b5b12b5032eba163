from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from poseharvest.errors import StoreError, TrainingError
from poseharvest.tables.paper import AVERAGE
from poseharvest.tables.studio.studio_demo import FULL, QUICK, DemoPlan, run_demo
from poseharvest.tables.studio.study import Network


@pytest.fixture(scope="module")
def plan(study):
    """Of one action, by two networks, the second of which there is no time for."""
    networks = (Network.PS_SEL, Network.PS)
    return DemoPlan(study.actions[:1], study.filming, study.harvesting, 1, networks, 0.0, "Left out: nearly all.")


@pytest.fixture(scope="module")
def demo_run(study, plan, tmp_path_factory):
    out = tmp_path_factory.mktemp("d") / "demo"
    events = []
    done = run_demo(study.detector, study.detector_settings, out, plan=plan, on_progress=events.append)
    return done, events


class Page(HTMLParser):
    """Collects the links, pictures and table cells of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.pictures, self.cells, self._in_cell = [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "a":
            self.links.append(found["href"])
        if tag == "img":
            self.pictures.append(found["src"])
        self._in_cell = tag in {"td", "th"} or (self._in_cell and tag == "small")
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_data(self, data):
        if self._in_cell:
            self.cells[-1] += data

    def handle_endtag(self, tag):
        self._in_cell = self._in_cell and tag not in {"td", "th"}


def test_networks_are_added_only_while_there_is_time(demo_run):
    done, _ = demo_run
    titles = [column.title for column in done.table.panels[0].ours]
    assert titles == ["here, Generic", "here, PS+sel"]


def test_the_steps_are_heard_in_order(demo_run):
    stages = [progress.stage for progress in demo_run[1]]
    first = [
        next(i for i, stage in enumerate(stages) if word in stage) for word in ("filming", "Generic", "learning, ")
    ]
    assert first == sorted(first)
    assert "PS+sel" in stages[-1]


def test_the_page_shows_the_table_s_numbers_and_loads_nothing(demo_run):
    done, _ = demo_run
    page = Page(done.page.read_text())
    assert all(picture.startswith("data:image/jpeg;base64,") for picture in page.pictures)
    scores = [column.scores[AVERAGE].value for column in done.table.panels[0].ours]
    average = page.cells.index(AVERAGE)
    shown = [re.match(r"[\d.]+", cell)[0] for cell in page.cells[average + 1 : average + 3]]
    assert shown == [f"{value:.1f}" for value in scores]
    change = 100 * (scores[1] - scores[0]) / scores[0]
    assert page.cells[average + 3] == f"{change:+.0f} %"
    assert "Left out: nearly all." in done.page.read_text()


def test_there_are_pictures_before_and_after_of_every_action(demo_run, plan):
    page = Page(demo_run[0].page.read_text())
    assert len(page.pictures) == 2 * 2 * len(plan.actions)
    assert len(set(page.pictures)) == len(page.pictures), "before and after differ"


def test_its_links_lead_to_the_harvests_reports(demo_run, plan):
    page = demo_run[0].page
    links = Page(page.read_text()).links
    assert len(links) == 2 * len(plan.actions)
    assert all((page.parent / link).resolve().is_file() for link in links)


def test_the_record_says_what_was_run(demo_run):
    record = json.loads((demo_run[0].folder / "demo.json").read_text())
    assert record["finished"]
    assert record["detector"] == {"name": "knowing"}
    assert record["training"]["epochs"] == 1


def test_a_finished_demo_is_told_again_without_work_and_others_are_refused(demo_run, study, plan, tmp_path):
    done, _ = demo_run
    events = []
    again = run_demo(study.detector, study.detector_settings, done.folder, plan=plan, on_progress=events.append)
    assert events == []
    assert again.table.as_dict() == done.table.as_dict()
    with pytest.raises(TrainingError, match="was begun with seed 0, asked for is 1"):
        run_demo(study.detector, study.detector_settings, done.folder, plan=plan, seed=1, on_progress=events.append)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="already exists and is no poseharvest demo"):
        run_demo(
            study.detector, study.detector_settings, tmp_path, plan=plan, overwrite=True, on_progress=events.append
        )


def test_the_quick_plan_is_smaller_in_all_that_it_names():
    assert len(QUICK.actions) < len(FULL.actions)
    assert len(QUICK.actions) * QUICK.filming.num_frames < len(FULL.actions) * FULL.filming.num_frames
    assert QUICK.filming.scale < FULL.filming.scale
    assert QUICK.harvesting.inference.resolution < FULL.harvesting.inference.resolution
    assert QUICK.epochs < FULL.epochs
    assert set(FULL.networks) == set(Network) - {Network.GENERIC}
    for number in (QUICK.filming.num_frames, QUICK.harvesting.inference.resolution, round(1000 * QUICK.filming.scale)):
        assert str(number) in QUICK.left_out
