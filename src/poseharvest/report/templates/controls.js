"use strict";
/* Mouse, touch and keys of the 3D view, and its player. */

const TURN_PER_PIXEL = 0.008;
const TURN_PER_KEY = 0.12;
const PAN_PER_KEY = 30;

class Pointers {
  constructor(scene, redraw) {
    this.scene = scene;
    this.redraw = redraw;
    this.down = new Map();
    const { canvas } = scene;
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.down.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => tooltip.hide());
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  press(event) {
    this.scene.canvas.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, { x: event.offsetX, y: event.offsetY, pans: event.button > 0 || event.shiftKey });
    tooltip.hide();
  }

  move(event) {
    const from = this.down.get(event.pointerId);
    if (!from) {
      const tip = this.scene.tipAt(event.offsetX, event.offsetY);
      if (tip) tooltip.show(tip, event.clientX, event.clientY);
      else tooltip.hide();
      return;
    }
    const to = { ...from, x: event.offsetX, y: event.offsetY };
    const other = [...this.down].find(([id]) => id !== event.pointerId);
    if (other) this.pinch(from, to, other[1]);
    else if (from.pans) this.scene.orbit.pan(to.x - from.x, to.y - from.y);
    else this.scene.orbit.turn(TURN_PER_PIXEL * (to.x - from.x), TURN_PER_PIXEL * (to.y - from.y));
    this.down.set(event.pointerId, to);
    this.redraw();
  }

  /* Two fingers: their distance zooms, their middle pans. */
  pinch(from, to, other) {
    const before = Math.hypot(from.x - other.x, from.y - other.y);
    const after = Math.hypot(to.x - other.x, to.y - other.y);
    if (before > 1 && after > 1) this.scene.orbit.zoom(before / after);
    this.scene.orbit.pan((to.x - from.x) / 2, (to.y - from.y) / 2);
  }

  /* The wheel scrolls the page until the view has been clicked. */
  wheel(event) {
    if (document.activeElement !== this.scene.canvas && !event.ctrlKey) return;
    event.preventDefault();
    this.scene.orbit.zoom(Math.exp(0.0012 * event.deltaY));
    this.redraw();
  }

  key(event) {
    const { orbit } = this.scene;
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (direction && event.shiftKey) orbit.pan(-PAN_PER_KEY * direction[0], -PAN_PER_KEY * direction[1]);
    else if (direction) orbit.turn(TURN_PER_KEY * direction[0], TURN_PER_KEY * direction[1]);
    else if (event.key === "+" || event.key === "=") orbit.zoom(0.88);
    else if (event.key === "-") orbit.zoom(1 / 0.88);
    else return;
    event.preventDefault();
    this.redraw();
  }
}

const KEYS = {
  " ": (player) => player.toggle(),
  ",": (player) => player.step(-1),
  ".": (player) => player.step(1),
  Home: (player) => player.go(0),
  End: (player) => player.go(player.take.count - 1),
  PageUp: (player) => player.step(-10),
  PageDown: (player) => player.step(10),
};

class Player {
  constructor(take, onChange) {
    this.take = take;
    this.onChange = onChange;
    this.slider = document.getElementById("moment");
    this.button = document.getElementById("play");
    this.label = document.getElementById("moment-label");
    this.slider.max = take.count - 1;
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
    this.button.addEventListener("click", () => this.toggle());
    document.getElementById("player").addEventListener("keydown", (event) => this.key(event));
    for (const button of document.querySelectorAll("button[data-step]"))
      button.addEventListener("click", () => this.step(Number(button.dataset.step)));
    this.isPlaying = false;
    this.index = 0;
    this.motion = null;
  }

  /* Keys of the player; the arrows turn the 3D view, and step where anything else has the focus. */
  key(event) {
    const onControl = event.target.closest("button, select, input[type=checkbox]");
    const onView = event.target.id === "space";
    const arrow = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === " " && onControl) return;
    if (KEYS[event.key]) KEYS[event.key](this);
    else if (arrow && !onView && !event.target.closest("select, input")) this.step(arrow);
    else return;
    event.preventDefault();
  }

  step(by) {
    this.go(this.index + by);
  }

  /* Shows a moment, by its number in the whole take; its piece may have to be loaded first. */
  go(index) {
    this.index = clamp(index, 0, this.take.count - 1);
    this.slider.value = this.index;
    const wanted = this.index;
    const number = this.take.pieceOf(wanted);
    if (!this.take.loaded.has(number)) this.label.textContent = "loading …";
    this.take.withPiece(number, (motion) => this.index === wanted && this.show(motion, number), () => this.fail(number));
  }

  goToFrame(frame) {
    this.take.withIndexOf(frame, (index) => this.go(index), () => this.fail("of this frame"));
  }

  fail(number) {
    if (this.isPlaying) this.toggle();
    this.label.textContent = `frames are missing: piece ${number} of the folder "${this.take.data.beside}" beside this page`;
  }

  show(motion, number) {
    this.motion = motion;
    this.local = this.index - this.take.starts[number];
    const { frame, time_s } = motion.moments[this.local];
    this.label.textContent = `frame ${frame} · ${time_s.toFixed(2)} s`;
    this.onChange(motion, this.local, frame);
  }

  toggle() {
    this.isPlaying = !this.isPlaying;
    this.button.textContent = this.isPlaying ? "Pause" : "Play";
    this.button.setAttribute("aria-pressed", this.isPlaying);
    if (!this.isPlaying) return;
    if (this.index === this.take.count - 1) this.go(0);
    this.restartClock();
    requestAnimationFrame(() => this.tick());
  }

  restartClock() {
    this.startedAt = performance.now();
    this.startedFrom = this.motion === null ? 0 : this.motion.moments[this.local].time_s;
  }

  /* Plays at the capture's own speed, leaving out moments where the browser is slower. */
  tick() {
    if (!this.isPlaying) return;
    if (this.motion !== null) this.advance();
    if (this.index === this.take.count - 1) this.toggle();
    else requestAnimationFrame(() => this.tick());
  }

  advance() {
    const { moments } = this.motion;
    const now = this.startedFrom + (performance.now() - this.startedAt) / 1000;
    let ahead = 0;
    while (this.local + ahead < moments.length - 1 && moments[this.local + ahead + 1].time_s <= now) ahead++;
    if (ahead) return this.step(ahead);
    const isLast = this.local === moments.length - 1 && moments[this.local].time_s <= now;
    if (isLast && this.index < this.take.count - 1 && !this.take.waiting.size) {
      this.step(1); // into the next piece
      this.take.withPiece(this.take.pieceOf(this.index), () => this.restartClock());
    }
  }
}
