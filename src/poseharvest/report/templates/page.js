"use strict";
/* Puts the page together: tooltips, theme, the pictures' tabs, the strip's playhead and the 3D view. */

const tooltip = {
  box: document.getElementById("tip"),
  show(text, x, y) {
    this.box.textContent = text;
    this.box.style.display = "block";
    const { width, height } = this.box.getBoundingClientRect();
    this.box.style.left = `${clamp(x + 14, 4, window.innerWidth - width - 4)}px`;
    this.box.style.top = `${clamp(y + 14, 4, window.innerHeight - height - 4)}px`;
  },
  hide() {
    this.box.style.display = "none";
  },
};

function wireTooltips() {
  const follow = (event) => {
    const owner = event.target.closest("[data-tip]");
    if (owner) tooltip.show(owner.dataset.tip, event.clientX, event.clientY);
    else if (!event.target.closest("#space, .strip, canvas")) tooltip.hide();
  };
  document.addEventListener("pointermove", follow);
  document.addEventListener("pointerdown", follow);
}

function wireTheme(onChange) {
  const button = document.getElementById("theme");
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  button.addEventListener("click", () => {
    const isDark = (document.documentElement.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
    document.documentElement.dataset.theme = isDark ? "light" : "dark";
    onChange();
  });
  system.addEventListener("change", onChange);
  // Paper is light whatever the screen is; the canvas has to be drawn again for it.
  let onScreen = "";
  window.addEventListener("beforeprint", () => {
    onScreen = document.documentElement.dataset.theme || "";
    document.documentElement.dataset.theme = "light";
    onChange();
  });
  window.addEventListener("afterprint", () => {
    if (onScreen) document.documentElement.dataset.theme = onScreen;
    else delete document.documentElement.dataset.theme;
    onChange();
  });
}

function wireMoments(onPick) {
  const tabs = [...document.querySelectorAll("[data-moment]")];
  const moments = [...document.querySelectorAll(".moment")];
  const pick = (index) => {
    tabs.forEach((tab, k) => {
      tab.setAttribute("aria-selected", k === index);
      tab.tabIndex = k === index ? 0 : -1;
    });
    moments.forEach((moment, k) => (moment.hidden = k !== index));
    onPick(Number(tabs[index].dataset.moment));
  };
  tabs.forEach((tab, k) => {
    tab.addEventListener("click", () => pick(k));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const next = (k + step + tabs.length) % tabs.length;
      pick(next);
      tabs[next].focus();
    });
  });
}

function wirePictures() {
  const panel = document.getElementById("pictures");
  const dialog = document.getElementById("large");
  if (!panel) return;
  for (const box of panel.querySelectorAll("input[data-class]"))
    box.addEventListener("change", () => panel.classList.toggle(box.dataset.class, box.checked !== (box.dataset.when === "off")));
  panel.addEventListener("click", (event) => {
    const picture = event.target.closest(".overlay");
    if (!picture) return;
    const caption = document.createElement("p");
    caption.textContent = picture.getAttribute("aria-label");
    for (const name of ["show-peaks", "hide-ellipses"]) dialog.classList.toggle(name, panel.classList.contains(name));
    dialog.replaceChildren(picture.cloneNode(true), caption);
    dialog.showModal();
  });
  dialog.addEventListener("click", () => dialog.close());
}

/* The strip: hovering tells the numbers, clicking moves the 3D view there. */
function wireStrip(strip, timeline, data, onPick) {
  const { left, top, width, row_height } = timeline.layout;
  const cellAt = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(strip.getScreenCTM().inverse());
    const column = Math.floor(((at.x - left) / width) * timeline.first_frame.length);
    const row = Math.floor((at.y - top) / row_height);
    const isInside = column in timeline.first_frame && row in timeline.rows;
    return isInside ? { column, row } : null;
  };
  strip.addEventListener("pointermove", (event) => {
    const cell = cellAt(event);
    if (!cell) return tooltip.hide();
    const { column, row } = cell;
    const joint = timeline.rows[row];
    const sigma = timeline.sigma_mm[joint][column];
    const share = timeline.selected_share[joint][column];
    const [first, last] = [timeline.first_frame[column], timeline.last_frame[column]];
    const frames = first === last ? `frame ${first}` : `frames ${first} to ${last}`;
    const size = sigma === null ? "no camera sees it" : `sigma ${sigma} mm`;
    tooltip.show(`${data.joints[joint].label}, ${frames}\n${size}\n${Math.round(100 * (share || 0))} % selected`, event.clientX, event.clientY);
  });
  strip.addEventListener("pointerleave", () => tooltip.hide());
  strip.addEventListener("click", (event) => {
    const cell = cellAt(event);
    if (cell) onPick(timeline.first_frame[cell.column]);
  });
  const playhead = strip.querySelector(".playhead");
  return (frame) => {
    const first = timeline.first_frame[0];
    const end = timeline.last_frame[timeline.last_frame.length - 1] + 1;
    const x = left + (width * (frame + 0.5 - first)) / (end - first);
    playhead.setAttribute("x1", x);
    playhead.setAttribute("x2", x);
  };
}

function startScene(data, take, followers) {
  const scene = new Scene(document.getElementById("space"), data);
  let isQueued = false;
  const redraw = () => {
    if (isQueued) return;
    isQueued = true;
    requestAnimationFrame(() => {
      isQueued = false;
      scene.draw();
      followers.views.draw();
    });
  };
  followers.views = new ViewCanvases(data, scene);
  new Pointers(scene, redraw);
  const player = new Player(take, (motion, moment, frame) => {
    scene.setMoment(motion, moment);
    followers.heads.forEach((move) => move(motion, moment, frame));
    redraw();
  });
  for (const box of document.querySelectorAll("input[data-show]"))
    box.addEventListener("change", () => {
      scene.show[box.dataset.show] = box.checked;
      redraw();
    });
  for (const button of document.querySelectorAll("button[data-fit]"))
    button.addEventListener("click", () => {
      scene.fit(button.dataset.fit);
      redraw();
    });
  new ResizeObserver(() => {
    scene.resize();
    scene.draw();
  }).observe(scene.canvas);
  scene.resize();
  return { scene, player, redraw };
}

function wirePeople(onChoice) {
  const chooser = document.getElementById("person");
  if (chooser !== null) chooser.addEventListener("change", () => onChoice(chooser.value === "" ? null : Number(chooser.value)));
}

/* The list of the worst moments: each leads to its frame, its person and its joint. */
function wireWorst(player, trajectories) {
  for (const link of document.querySelectorAll("a[data-frame]"))
    link.addEventListener("click", () => {
      player.goToFrame(Number(link.dataset.frame));
      trajectories.setPerson(Number(link.dataset.person));
      trajectories.choose(Number(link.dataset.joint));
    });
}

/* Beside another report, in a page that frames both: tells the time that is shown, and follows the other's. */
function wireOtherReport(data, player) {
  if (window.parent === window) return () => {};
  let told = null;
  window.scrollTo(0, document.getElementById("player").offsetTop);
  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || typeof event.data.time_s !== "number") return;
    told = event.data.time_s;
    player.goToFrame(Math.round(told * data.frame_rate));
  });
  return (time_s) => {
    // What this page was told is not told again.
    if (told === null) window.parent.postMessage({ time_s }, "*");
    told = null;
  };
}

function jsonIn(id) {
  const element = document.getElementById(id);
  return element === null ? null : JSON.parse(element.textContent);
}

/* Called by the pieces of a long take; those of another harvest do not belong to this page. */
function takePiece(created, number, piece) {
  if (created === page.take.data.created) page.take.receive(number, piece);
  else page.player.fail(number);
}

const page = {};

function startPage() {
  const data = jsonIn("data");
  const take = (page.take = new Take(data, jsonIn("take")));
  const followers = { heads: [], views: null };
  const { scene, player, redraw } = startScene(data, take, followers);
  page.player = player;
  page.views = followers.views;
  const goTo = (frame) => player.goToFrame(frame);
  const trajectories = new Trajectories(data, goTo);
  followers.heads.push((motion, moment) => trajectories.setMoment(motion, moment));
  data.timelines.forEach((timeline, index) => {
    const move = wireStrip(document.getElementById(`strip-${index}`), timeline, data, goTo);
    followers.heads.push((_motion, _moment, frame) => move(frame));
  });
  wirePeople((person) => {
    scene.person = person;
    trajectories.setPerson(person);
    redraw();
  });
  wireTooltips();
  wireTheme(() => {
    scene.readColours();
    scene.draw();
  });
  wireMoments(goTo);
  wirePictures();
  wireWorst(player, trajectories);
  player.go(0);
  const tell = wireOtherReport(data, player);
  followers.heads.push((motion, moment) => tell(motion.moments[moment].time_s));
  document.documentElement.dataset.ready = "true";
}

startPage();
