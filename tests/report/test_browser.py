"""The page in a real browser: its script runs without an error, and what should move moves."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from poseharvest.annotations import film
from poseharvest.annotations.reader import Harvest
from poseharvest.report import film_in_page, report, report_beside, take
from walker_kit import ABSENT_FRAMES, ABSENT_VIEW, Recipe, write_walk

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
// The angle's sigma against that of many drawn positions.
const angleError = () => {
  const points = [[0, 0, 900], [30, 10, 500], [-40, 60, 100]];
  const rootOf = (x, y, z) => [[x, 1, 0], [1, y, 2], [0, 2, z]];
  const roots = [rootOf(9, 6, 12), rootOf(7, 5, 8), rootOf(10, 14, 6)];
  const covariances = roots.map((root) => root.map((row) => root.map((other) => dot(row, other))));
  const found = angleAt(points, covariances);
  const step = 1e-4;
  let variance = 0;
  const at = (k, column, length) =>
    angleAt(points.map((one, other) => (other === k ? add(one, column, length) : one)), covariances).value;
  points.forEach((_, k) => roots[k].forEach((column) => {
    variance += ((at(k, column, step) - at(k, column, -step)) / (2 * step)) ** 2;
  }));
  return Math.abs(found.sigma / Math.sqrt(variance) - 1);
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
  seen.playhead = document.querySelector(".strip .playhead").getAttribute("x1");
  const views = () => [...document.querySelectorAll("canvas[data-view]")].map((canvas) => canvas.toDataURL()).join();
  const viewsBefore = views();
  slider.value = 21;
  slider.dispatchEvent(new Event("input"));
  await frames();
  seen.viewsMove = views() !== viewsBefore;
  const closeUpBefore = views();
  document.querySelector("[data-views=closeUp]").click();
  seen.closeUp = views() !== closeUpBefore;
  slider.dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true }));
  seen.end = document.getElementById("moment-label").textContent;
  document.querySelector("[data-step='-1']").click();
  seen.back = document.getElementById("moment-label").textContent;
  const worst = document.querySelector("a[data-frame]");
  worst.click();
  seen.worst = [worst.dataset.frame, document.getElementById("moment-label").textContent];
  seen.chosen = [worst.dataset.joint, document.getElementById("trajectory").value];
  seen.curves = document.querySelectorAll("#trajectories path.curve").length;
  const chooser = document.getElementById("trajectory");
  chooser.value = [...chooser.options].find((option) => option.textContent === "left knee flexion, angle").value;
  chooser.dispatchEvent(new Event("change"));
  seen.angles = document.querySelectorAll("#trajectories path.curve").length;
  const save = URL.createObjectURL;
  await new Promise((done) => {
    URL.createObjectURL = (blob) => {
      blob.text().then((text) => { seen.csv = text; done(); });
      return save(blob);
    };
    document.getElementById("save-csv").click();
  });
  seen.angleError = angleError();
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
    return dom_of(harvest, tmp_path_factory.mktemp("browser"), _PROBE)


def dom_of(harvest: Harvest, folder: Path, probe: str, *flags: str) -> str:
    page = report(harvest.path, folder / "page.html")
    text = page.read_text(encoding="utf-8").replace("</body>", probe).replace("<head>", _CLOCK, 1)
    page.write_text(text, encoding="utf-8")
    return opened(page, *flags)


def opened(page: Path, *flags: str) -> str:
    """Return what becomes of a page in the browser."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on the path")
    profile = f"--user-data-dir={page.parent / 'profile'}"
    command = [browser, *_FLAGS.split(), *flags, profile, "--dump-dom", page.as_uri()]
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


def test_the_take_is_scrubbed_in_every_view_and_by_keys(dom: str) -> None:
    seen = json.loads(attribute(dom, "seen") or "{}")
    assert seen["viewsMove"] is True
    assert seen["closeUp"] is True
    assert seen["end"].startswith("frame 39 ")
    assert seen["back"].startswith("frame 38 ")


def test_a_worst_moment_leads_to_its_frame_and_joint(dom: str) -> None:
    seen = json.loads(attribute(dom, "seen") or "{}")
    frame, label = seen["worst"]
    assert label.startswith(f"frame {frame} ")
    assert seen["chosen"][1] == f"position {seen['chosen'][0]}"


def test_the_chart_shows_positions_or_an_angle_and_saves_them(dom: str, harvest: Harvest) -> None:
    seen = json.loads(attribute(dom, "seen") or "{}")
    assert (seen["curves"], seen["angles"]) == (3, 1)
    assert seen["angleError"] < 1e-6
    head, *lines = seen["csv"].splitlines()
    assert head == "frame,time_s,person,joint,angle_deg,sigma_angle_deg"
    assert len(lines) == 40
    for line, row in zip(lines, harvest.iter_frames(), strict=True):
        hip, knee, ankle = (row.mean[harvest.skeleton.index(f"left_{name}")] for name in ("hip", "knee", "ankle"))
        u, v = (hip - knee).numpy(), (ankle - knee).numpy()
        angle = np.degrees(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v)))
        assert float(line.split(",")[4]) == pytest.approx(180 - angle, abs=0.01)  # 0 is straight


_PIECES_PROBE = """
<script>
"use strict";
(async () => {
  const label = () => document.getElementById("moment-label").textContent;
  const slider = document.getElementById("moment");
  const until = async (isThere) => { while (!isThere()) await new Promise((done) => setTimeout(done, 5)); };
  await until(() => label().startsWith("frame 0 "));
  slider.value = 33;
  slider.dispatchEvent(new Event("input"));
  const waits = label();
  await until(() => label().startsWith("frame 33 "));
  page.player.goToFrame(12);
  await until(() => label().startsWith("frame 12 "));
  page.player.go(0);
  await until(() => label().startsWith("frame 0 "));
  document.getElementById("play").click();
  await until(() => label().startsWith("frame 39 "));
  const sample = page.player.motion.moments[page.player.local].samples[0];
  document.documentElement.dataset.seen = JSON.stringify({
    waits, loaded: page.take.loaded.size, count: page.take.count, pelvis: page.player.motion.position(sample, 6),
  });
})().catch((error) => { document.documentElement.dataset.scriptError = String(error); });
</script>
</body>
"""


def test_a_long_take_is_loaded_in_pieces_from_the_disk(
    harvest: Harvest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(take, "MAX_INSIDE", 20)
    monkeypatch.setattr(take, "PIECE_RECORDS", 7)
    dom = dom_of(harvest, tmp_path, _PIECES_PROBE)
    assert attribute(dom, "script-error") is None
    seen = json.loads(attribute(dom, "seen") or "{}")
    assert seen["waits"] == "loading …"
    assert seen["count"] == 40
    assert seen["loaded"] <= 4
    last = list(harvest.iter_frames())[-1]
    assert seen["pelvis"] == pytest.approx(last.mean[6].tolist(), abs=1)


_FILM_PROBE = """
<script>
"use strict";
(async () => {
  const CODE_BITS = 8;
  const views = page.views;
  const waits = async (isThere) => {
    for (let k = 0; k < 1500 && !isThere(); k++) {
      await new Promise((done) => setTimeout(done, 1));
      // The page's clock runs ahead of the decoder's, which is given time by work.
      for (let n = 0, sum = 0; n < 2e6; n++) sum += Math.sqrt(n);
    }
    if (!isThere()) throw new Error(`nothing came: ${views.film.failure} sought ${views.film.sought}`);
  };
  /* The frame and the view that a canvas shows, by the blocks at the upper border of its picture. */
  const codeOf = ({ canvas, context }) => {
    const bits = Array.from({ length: CODE_BITS }, (_, bit) => Math.floor(((bit + 0.5) * canvas.width) / CODE_BITS));
    const isWhite = (x) => context.getImageData(x, Math.floor(canvas.height / 16), 1, 1).data[0] > 128;
    const code = bits.reduce((sum, x, bit) => sum + (isWhite(x) ? 1 << bit : 0), 0);
    return [code >> 2, code & 3];
  };
  const seen = { jumps: [], painted: [] };
  await waits(() => views.film.shown !== null && views.painted === 0);
  for (const frame of [17, 3, 4, 5, 39, 0, 28, 27, 26, 12]) {
    page.player.goToFrame(frame);
    await waits(() => views.painted === frame && views.film.sought === null);
    seen.jumps.push([frame, ...views.views.map(codeOf)]);
  }
  const paint = views.paint.bind(views);
  views.paint = (state) => {
    paint(state);
    seen.painted.push([state.frame, ...views.views.map(codeOf)]);
  };
  page.player.go(0);
  await waits(() => views.painted === 0);
  document.getElementById("play").click();
  await waits(() => views.painted === 39);
  seen.failure = views.film.failure;
  document.documentElement.dataset.seen = JSON.stringify(seen);
})().catch((error) => { document.documentElement.dataset.scriptError = String(error); });
</script>
</body>
"""


_FILM_FLAGS = {
    True: ("--virtual-time-budget=20000",),
    False: ("--virtual-time-budget=20000", "--allow-file-access-from-files"),  # only the probe reads the canvases
}


@pytest.mark.parametrize("is_inside", [True, False])
def test_every_pose_is_drawn_over_the_picture_of_its_frame(
    is_inside: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film, "PICTURES_PER_PART", 9)
    if not is_inside:
        monkeypatch.setattr(film_in_page, "MOVING_BYTES", 1000)
    walk = write_walk(tmp_path / "walk", Recipe(film=True))
    dom = dom_of(walk, tmp_path, _FILM_PROBE, *_FILM_FLAGS[is_inside])
    assert attribute(dom, "script-error") is None
    seen = json.loads(attribute(dom, "seen") or "{}")
    assert seen["failure"] is None
    assert len(seen["jumps"]) == 10
    assert len({frame for frame, *_ in seen["painted"]}) >= 5  # while playing
    for frame, *codes in [*seen["jumps"], *seen["painted"]]:
        known = [k for k in range(4) if not (k == ABSENT_VIEW and frame in ABSENT_FRAMES)]
        assert [codes[k] for k in known] == [[frame, k] for k in known]


def test_a_film_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film_in_page, "MOVING_BYTES", 1000)
    page = report(write_walk(tmp_path / "walk", Recipe(film=True)).path, tmp_path / "page.html")
    shutil.rmtree(tmp_path / "page_frames")
    dom = opened(page)
    assert attribute(dom, "ready") == "true"
    assert 'the pictures are missing: part 0 of the film in the folder "page_frames" beside this page' in unescape(dom)


_BESIDE_PROBE = """
<script>
"use strict";
(async () => {
  const until = async (isThere) => { while (!isThere()) await new Promise((done) => setTimeout(done, 5)); };
  const inside = (side) => side.document.documentElement.dataset;
  await until(() => sides.every((side) => side.document.documentElement && inside(side).ready));
  const label = (side) => side.document.getElementById("moment-label").textContent;
  const move = async (side, index) => {
    const slider = side.document.getElementById("moment");
    slider.value = index;
    slider.dispatchEvent(new side.Event("input"));
    for (let k = 0; k < 100 && label(sides[0]) !== label(sides[1]); k++)
      await new Promise((done) => setTimeout(done, 10));
    return sides.map(label);
  };
  const seen = { first: await move(sides[0], 20), second: await move(sides[1], 10) };
  together.checked = false;
  seen.alone = await move(sides[0], 30);
  document.documentElement.dataset.seen = JSON.stringify(seen);
})().catch((error) => { document.documentElement.dataset.scriptError = String(error); });
</script>
</body>
"""


def test_two_reports_side_by_side_move_together(harvest: Harvest, tmp_path: Path) -> None:
    other = write_walk(tmp_path / "other", Recipe(num_frames=25, pictured=()))
    page = report_beside(harvest.path, other.path, tmp_path / "both.html")
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", _BESIDE_PROBE), encoding="utf-8")
    dom = opened(page, "--allow-file-access-from-files")  # only the probe looks into the frames
    assert attribute(dom, "script-error") is None
    seen = json.loads(attribute(dom, "seen") or "{}")
    assert seen["first"] == ["frame 20 · 0.80 s", "frame 20 · 0.80 s"]
    assert seen["second"] == ["frame 10 · 0.40 s", "frame 10 · 0.40 s"]
    assert seen["alone"] == ["frame 30 · 1.20 s", "frame 10 · 0.40 s"]


_TOUCH_PROBE = """
<script>
"use strict";
const canvas = document.createElement("canvas");
canvas.style.cssText = "position: fixed; left: 0; top: 0; width: 800px; height: 600px; touch-action: none";
document.body.append(canvas);
canvas.setPointerCapture = () => {}; // no finger of these is real
const orbit = new Orbit({ up: [0, 0, 1], facing: [1, 0, 0] });
orbit.resize(800, 600);
new Pointers({ canvas, orbit, tipAt: () => null }, () => {});
const finger = (name, pointerId, [clientX, clientY]) =>
  canvas.dispatchEvent(new PointerEvent(name, { pointerId, clientX, clientY, pointerType: "touch", bubbles: true }));
const STEPS = 40;
/* Puts the fingers down, moves them together in small steps, and lifts them; returns what that did. */
const gesture = (...paths) => {
  const state = () => ({ ...orbit, pixel: orbit.distance / orbit.focal });
  const before = state();
  paths.forEach(([from], id) => finger("pointerdown", id, from));
  for (let step = 1; step <= STEPS; step++)
    paths.forEach(([from, to], id) =>
      finger("pointermove", id, from.map((start, axis) => start + ((to[axis] - start) * step) / STEPS)));
  paths.forEach(([, to], id) => finger("pointerup", id, to));
  const moved = add(orbit.target, before.target, -1);
  return {
    turned: [before.azimuth - orbit.azimuth, orbit.elevation - before.elevation],
    zoomed: orbit.distance / before.distance,
    moved: [dot(moved, before.right) / before.pixel, dot(moved, before.above) / before.pixel],
  };
};
const seen = {
  one: gesture([[300, 300], [340, 280]]),
  spread: gesture([[350, 300], [300, 300]], [[450, 300], [500, 300]]),
  together: gesture([[350, 300], [390, 320]], [[450, 300], [490, 320]]),
  again: gesture([[300, 300], [340, 280]]),
  stage: getComputedStyle(document.getElementById("space")).touchAction,
};
document.documentElement.dataset.seen = JSON.stringify(seen);
</script>
</body>
"""


def test_fingers_turn_zoom_and_move(harvest: Harvest, tmp_path: Path) -> None:
    page = report(harvest.path, tmp_path / "page.html")
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", _TOUCH_PROBE), encoding="utf-8")
    dom = opened(page, "--touch-events=enabled")
    seen = json.loads(attribute(dom, "seen") or "{}")
    for one in (seen["one"], seen["again"]):  # also after two fingers: none of them is thought to be down still
        assert one["turned"] == pytest.approx([0.008 * 40, 0.008 * -20])
        assert one["zoomed"] == 1
    assert seen["spread"]["zoomed"] == pytest.approx(0.5)
    assert seen["spread"]["moved"] == pytest.approx([0, 0], abs=1.5)  # pixels; the fingers move one after the other
    assert seen["spread"]["turned"] == [0, 0]
    assert seen["together"]["zoomed"] == pytest.approx(1)
    assert seen["together"]["moved"] == pytest.approx([-40, 20], rel=0.03)
    assert seen["stage"] == "none"  # the page does not scroll under the fingers


def test_the_tip_of_a_joint_tells_its_sigma(dom: str) -> None:
    seen = json.loads(attribute(dom, "seen") or "{}")
    assert seen["tip"].splitlines()[1].startswith("sigma ")
