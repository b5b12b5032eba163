"""The page in a real browser: its script runs without an error, and what should move moves."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape

import pytest

from poseharvest.annotations.reader import Harvest
from poseharvest.report import report

pytestmark = pytest.mark.browser

_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1200,900 --virtual-time-budget=4000"
)

# A browser without a window draws hardly any frames of its own accord.
_CLOCK = "<head><script>window.requestAnimationFrame = (draw) => setTimeout(draw, 4);</script>"

_PROBE = """
<script>
"use strict";
const seen = {};
const canvas = document.getElementById("space");
const picture = () => canvas.toDataURL();
const press = (key) => canvas.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const drag = (dx, dy) => {
  const event = (name, x, y) => new PointerEvent(name, { pointerId: 1, clientX: x, clientY: y, bubbles: true });
  canvas.setPointerCapture = () => {};
  canvas.dispatchEvent(event("pointerdown", 300, 300));
  canvas.dispatchEvent(event("pointermove", 300 + dx, 300 + dy));
  canvas.dispatchEvent(event("pointerup", 300 + dx, 300 + dy));
};
const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
const changes = async (name, action) => {
  const before = picture();
  action();
  await frames();
  seen[name] = picture() !== before;
};
// The ellipse's law against differences of the projection itself.
const ellipseError = () => {
  const orbit = new Orbit({ up: [0, 0, 1], facing: [1, 0, 0] });
  orbit.resize(800, 600);
  const [point, root] = [[700, -400, 300], [[40, 5, -8], [5, 25, 3], [-8, 3, 60]]];
  const step = 1e-3;
  const moved = root.map((column) => {
    const [a, b] = [step, -step].map((length) => orbit.project(add(point, column, length)));
    return [(a.x - b.x) / (2 * step), (a.y - b.y) / (2 * step)];
  });
  const sum = (i, j) => moved.reduce((total, move) => total + move[i] * move[j], 0);
  const { major, minor, angle } = orbit.ellipse(point, root, 1);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const drawn = (i, j) => major ** 2 * [c, s][i] * [c, s][j] + minor ** 2 * [-s, c][i] * [-s, c][j];
  return Math.max(...[[0, 0], [0, 1], [1, 1]].map(([i, j]) => Math.abs(drawn(i, j) - sum(i, j)))) / sum(0, 0);
};
(async () => {
  seen.ellipse = ellipseError();
  await frames();
  await changes("nothing", () => {});
  await changes("key", () => press("ArrowLeft"));
  await changes("drag", () => drag(60, 25));
  await changes("zoom", () => press("+"));
  await changes("rig", () => document.querySelector("[data-fit=rig]").click());
  await changes("ellipsoids", () => document.querySelector("[data-show=ellipsoids]").click());
  const slider = document.getElementById("moment");
  await changes("slider", () => { slider.value = 20; slider.dispatchEvent(new Event("input")); });
  seen.label = document.getElementById("moment-label").textContent;
  seen.playhead = document.querySelector(".playhead").getAttribute("x1");
  await changes("theme", () => document.getElementById("theme").click());
  document.querySelector('[data-moment="12"]').click();
  seen.shown = [...document.querySelectorAll(".moment")].map((moment) => !moment.hidden);
  seen.jumped = document.getElementById("moment-label").textContent;
  document.querySelector(".overlay").dispatchEvent(new MouseEvent("click", { bubbles: true }));
  seen.enlarged = document.getElementById("large").open;
  const joint = document.querySelector(".overlay [data-tip]");
  joint.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: 100, clientY: 100 }));
  seen.tip = document.getElementById("tip").textContent;
  document.documentElement.dataset.seen = JSON.stringify(seen);
})().catch((error) => { document.documentElement.dataset.scriptError = String(error); });
</script>
</body>
"""


@pytest.fixture(scope="module")
def dom(harvest: Harvest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page's DOM after its script and the probe have run."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on the path")
    folder = tmp_path_factory.mktemp("browser")
    page = report(harvest.path, folder / "page.html")
    text = page.read_text(encoding="utf-8").replace("</body>", _PROBE).replace("<head>", _CLOCK, 1)
    page.write_text(text, encoding="utf-8")
    command = [browser, *_FLAGS.split(), f"--user-data-dir={folder / 'profile'}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    return done.stdout.decode("utf-8")


def attribute(dom: str, name: str) -> str | None:
    found = re.search(rf'<html[^>]*\sdata-{name}="([^"]*)"', dom)
    return unescape(found[1]) if found else None


def test_the_script_runs_without_errors(dom: str) -> None:
    assert attribute(dom, "script-error") is None
    assert attribute(dom, "ready") == "true"


def test_turning_zooming_and_playing_change_the_picture(dom: str) -> None:
    seen = json.loads(attribute(dom, "seen") or "{}")
    assert seen["ellipse"] < 1e-5
    assert seen["nothing"] is False
    for action in ("key", "drag", "zoom", "rig", "ellipsoids", "slider", "theme"):
        assert seen[action] is True, action
    assert seen["label"] == "frame 20 · 0.80 s"
    assert float(seen["playhead"]) == pytest.approx(112 + 1000 * 20.5 / 40)
    assert seen["shown"] == [False, True, False]
    assert seen["jumped"].startswith("frame 12 ")
    assert seen["enlarged"] is True
    assert seen["tip"].splitlines()[1].startswith("sigma ")
