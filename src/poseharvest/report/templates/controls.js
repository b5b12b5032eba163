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

class Player {
  constructor(motion, onChange) {
    this.motion = motion;
    this.onChange = onChange;
    this.slider = document.getElementById("moment");
    this.button = document.getElementById("play");
    this.label = document.getElementById("moment-label");
    this.slider.max = motion.moments.length - 1;
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
    this.button.addEventListener("click", () => this.toggle());
    document.getElementById("space").addEventListener("keydown", (event) => this.key(event));
    this.isPlaying = false;
    this.go(0);
  }

  key(event) {
    if (event.key === " ") this.toggle();
    else if (event.key === ",") this.go(this.index - 1);
    else if (event.key === ".") this.go(this.index + 1);
    else return;
    event.preventDefault();
  }

  go(index) {
    this.index = clamp(index, 0, this.motion.moments.length - 1);
    const { frame, time_s } = this.motion.moments[this.index];
    this.slider.value = this.index;
    this.label.textContent = `frame ${frame} · ${time_s.toFixed(2)} s`;
    this.onChange(this.index, frame);
  }

  toggle() {
    this.isPlaying = !this.isPlaying;
    this.button.textContent = this.isPlaying ? "Pause" : "Play";
    this.button.setAttribute("aria-pressed", this.isPlaying);
    if (!this.isPlaying) return;
    if (this.index === this.motion.moments.length - 1) this.go(0);
    this.startedAt = performance.now();
    this.startedFrom = this.motion.moments[this.index].time_s;
    requestAnimationFrame(() => this.tick());
  }

  /* Plays at the capture's own speed, leaving out moments where the browser is slower. */
  tick() {
    if (!this.isPlaying) return;
    const { moments } = this.motion;
    const now = this.startedFrom + (performance.now() - this.startedAt) / 1000;
    let next = this.index;
    while (next < moments.length - 1 && moments[next + 1].time_s <= now) next++;
    if (next !== this.index) this.go(next);
    if (next === moments.length - 1) this.toggle();
    else requestAnimationFrame(() => this.tick());
  }
}
