"""The page in a real browser: it drags, decides, goes back, and what it confirmed is in the file."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from poseharvest.annotations.reviews import read_reviews
from poseharvest.review import server as server_module
from poseharvest.review.review_page import render_review

pytestmark = pytest.mark.browser

_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --virtual-time-budget=30000"
)

_PROBE = """
<script nonce="NONCE">
"use strict";
const seen = {};
const until = async (isThere) => { while (!isThere()) await new Promise((done) => setTimeout(done, 5)); };
const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const what = () => element("what").textContent;
const settled = () => until(() => !review.isBusy && !review.isAsking);
const event = (view, name, [x, y]) => {
  const { left, top } = view.canvas.getBoundingClientRect();
  const [clientX, clientY] = [left + x, top + y];
  const about = { pointerId: 1, clientX, clientY, bubbles: true, cancelable: true };
  view.canvas.dispatchEvent(new PointerEvent(name, about));
};
const drag = async (view, dx, dy) => {
  const from = view.to(view.handle());
  event(view, "pointerdown", from);
  for (const share of [0.3, 0.7, 1]) event(view, "pointermove", [from[0] + share * dx, from[1] + share * dy]);
  event(view, "pointerup", [from[0] + dx, from[1] + dy]);
  await settled();
};
const until_other = async (before) => { await until(() => what() !== before); await settled(); };
(async () => {
  await until(() => document.documentElement.dataset.ready);
  seen.width = innerWidth;
  seen.overflow = document.documentElement.scrollWidth - innerWidth;
  seen.progress = element("progress").textContent;
  seen.first = what();
  seen.listed = element("queue").children.length;
  const [one, other] = review.views;
  const joint = one.joint;
  const pixels = () => review.moment.views.map((own) => own.points[joint]);
  const start = pixels();
  event(one, "pointerdown", [2, 2]);
  event(one, "pointermove", [40, 40]);
  event(one, "pointerup", [40, 40]);
  seen.missed = review.isDragged();
  const picture = other.canvas.toDataURL();
  await drag(one, 30, -20);
  seen.start = start;
  seen.dragged = pixels();
  seen.asked = review.moment.dragged;
  seen.otherMoves = other.canvas.toDataURL() !== picture;
  seen.word = element("accept-word").textContent;
  press("u");
  await until(() => !Object.keys(review.moment.dragged).length);
  await settled();
  seen.withdrawn = pixels();
  await drag(one, 30, -20);
  await drag(other, -15, 10);
  seen.both = Object.keys(review.moment.dragged).sort();
  let before = what();
  press("a");
  await until_other(before);
  seen.afterMove = element("progress").textContent;
  before = what();
  press("r");
  await until_other(before);
  before = what();
  press("A");
  await until_other(before);
  seen.afterThree = element("progress").textContent;
  before = what();
  press("u");
  await until_other(before);
  seen.undone = [element("progress").textContent, element("numbers").textContent];
  press("ArrowLeft");
  await until(() => element("numbers").textContent.includes("rejected"));
  seen.rejected = element("numbers").textContent;
  seen.marks = [...element("queue").children].slice(0, 3).map((item) => item.firstChild.firstChild.className);
  const whole = one.scale;
  press("z");
  seen.zoomedOut = one.scale < whole;
  press("z");
  element("filter").value = "left_knee";
  element("filter").dispatchEvent(new Event("change"));
  await until(() => what().startsWith("left knee"));
  seen.knees = element("queue").children.length;
  seen.filtered = review.queue.every((queued) => queued.joint === "left_knee");
  const shade = () => getComputedStyle(document.body).backgroundColor;
  const light = shade();
  element("theme").click();
  seen.theme = shade() !== light;
  document.documentElement.dataset.seen = JSON.stringify(seen);
})().catch((error) => { document.documentElement.dataset.scriptError = String(error); });
</script>
</body>
"""


def opened(url: str, folder: Path, width: int) -> str:
    """Return what becomes of a page in the browser."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on the path")
    flags = [*_FLAGS.split(), f"--window-size={width},900", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run([browser, *flags, "--dump-dom", url], capture_output=True, timeout=120, check=False)
    return done.stdout.decode("utf-8")


def attribute(dom: str, name: str) -> str | None:
    found = re.search(rf'<html[^>]*\sdata-{name}="([^"]*)"', dom)
    return unescape(found[1]) if found else None


@pytest.mark.parametrize("width", [1400, 390])
def test_a_person_drags_rejects_accepts_and_takes_back(width, server, harvest, tmp_path, monkeypatch):
    def with_probe(facts, nonce):
        return render_review(facts, nonce).replace("</body>", _PROBE.replace("NONCE", nonce))

    monkeypatch.setattr(server_module, "render_review", with_probe)
    dom = opened(server.url, tmp_path, width)
    assert attribute(dom, "script-error") is None
    seen = json.loads(attribute(dom, "seen") or "{}")
    assert seen["overflow"] <= 0
    assert (seen["progress"], seen["listed"]) == ("0 of 80 decided", 80)
    assert seen["missed"] is False  # only near the joint does a drag begin
    assert seen["word"] == "save move"
    moved = np.subtract(seen["dragged"], seen["start"])
    assert np.hypot(*np.subtract(seen["dragged"][0], seen["asked"]["cam01"])) < 4
    assert np.hypot(*moved[0]) > 2
    assert seen["otherMoves"] is True
    assert np.hypot(*moved[1]) > 0.5
    assert seen["withdrawn"] == seen["start"]
    assert seen["both"] == ["cam01", "cam02"]
    assert seen["afterMove"] == "1 of 80 decided"
    assert seen["afterThree"] == "3 of 80 decided"
    assert seen["undone"][0] == "2 of 80 decided"
    assert "accepted" not in seen["undone"][1]
    assert "rejected" in seen["rejected"]
    assert seen["marks"] == ["move", "reject", ""]
    assert seen["zoomedOut"] is True
    assert (seen["filtered"], seen["knees"]) == (True, 80)
    assert seen["theme"] is True
    reviews = read_reviews(harvest.path, harvest.info)
    assert reviews is not None
    kinds = [reviews.standing[place].decision for place in reviews.order]
    assert kinds == ["move", "reject"]
    assert set(reviews.standing[reviews.order[0]].pixels) == {"cam01", "cam02"}
