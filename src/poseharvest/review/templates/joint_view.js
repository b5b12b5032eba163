"use strict";
/* One view: its picture, the person's limbs, and the joint that a mouse or a finger drags. */

const GRAB_PX = 34;
const COLOURS = { left: "#53b1ff", right: "#ff9d3c", middle: "#f2f2f2" };
const SMALLEST_BOX_PX = 90;

class JointView {
  constructor(canvas, data, onDrag) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.data = data;
    this.number = Number(canvas.dataset.view);
    this.view = data.views[this.number];
    this.image = null;
    this.moment = null;
    this.isWhole = false;
    this.held = false;
    this.onDrag = onDrag;
    canvas.addEventListener("pointerdown", (event) => this.grab(event));
    canvas.addEventListener("pointermove", (event) => this.held && this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => this.release());
    canvas.addEventListener("touchstart", (event) => {
      if (this.isNear(event.touches[0])) event.preventDefault(); // the finger drags the joint, not the page
    }, { passive: false });
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(moment, joint, keepBox) {
    this.moment = moment;
    this.joint = joint;
    if (!keepBox || !this.box) this.box = this.boxAround();
    this.draw();
  }

  load(url) {
    const image = new Image();
    this.image = null;
    this.wanted = url;
    image.onload = () => { if (this.wanted === url) { this.image = image; this.draw(); } };
    image.onerror = () => this.draw();
    if (url) image.src = url;
  }

  /* The part of the picture that is shown, before it is given the canvas's shape: the joint with its neighbours. */
  boxAround() {
    const { width, height } = this.view;
    const whole = { x: (width - 1) / 2, y: (height - 1) / 2, width, height };
    const { points, ellipse } = this.moment.views[this.number];
    const at = points[this.joint];
    if (this.isWhole || !at) return whole;
    const near = this.data.limbs.filter((limb) => limb.parent === this.joint || limb.child === this.joint)
      .flatMap((limb) => [points[limb.parent], points[limb.child]]).filter((point) => point);
    const dragged = this.moment.dragged[this.view.name];
    const reach = [...near, ...(dragged ? [dragged] : [])].map((point) => Math.hypot(point[0] - at[0], point[1] - at[1]));
    const side = Math.max(SMALLEST_BOX_PX, 3.2 * Math.max(...reach, 0), 3 * (ellipse ? ellipse[0] : 0));
    const least = Math.min(side, width, height);
    return { x: at[0], y: at[1], width: least, height: least };
  }

  draw() {
    if (!this.moment) return;
    const { canvas, context, box } = this;
    const ratio = window.devicePixelRatio || 1;
    const [across, down] = [canvas.clientWidth, canvas.clientHeight];
    [canvas.width, canvas.height] = [Math.round(across * ratio), Math.round(down * ratio)];
    this.scale = Math.min(across / box.width, down / box.height);
    this.left = box.x - across / 2 / this.scale;
    this.top = box.y - down / 2 / this.scale;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const own = this.moment.views[this.number];
    if (this.image) {
      const [x, y] = this.to([-0.5, -0.5]);
      context.drawImage(this.image, x, y, this.view.width * this.scale, this.view.height * this.scale);
    }
    this.data.limbs.forEach((limb) => this.drawLimb(own.points[limb.parent], own.points[limb.child], limb));
    this.drawJoint(own);
  }

  drawLimb(from, to, limb) {
    if (!from || !to) return;
    const { context } = this;
    const isNear = limb.parent === this.joint || limb.child === this.joint;
    context.lineCap = "round";
    for (const [colour, width] of [["rgb(0 0 0 / .55)", 4.5], [COLOURS[limb.side], isNear ? 2.5 : 1.6]]) {
      context.beginPath();
      context.moveTo(...this.to(from));
      context.lineTo(...this.to(to));
      [context.strokeStyle, context.lineWidth, context.globalAlpha] = [colour, width, isNear ? 0.9 : 0.45];
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  drawJoint(own) {
    const { context } = this;
    const at = own.points[this.joint];
    if (own.peak) this.square(...this.to(own.peak), 3.5, "#ff5cab");
    const dragged = this.moment.dragged[this.view.name];
    if (at) {
      const [x, y] = this.to(at);
      if (own.ellipse) {
        const [major, minor, angle] = own.ellipse;
        context.beginPath();
        context.ellipse(x, y, major * this.scale, minor * this.scale, (angle * Math.PI) / 180, 0, 2 * Math.PI);
        context.strokeStyle = "#000a";
        context.lineWidth = 3.5;
        context.stroke();
        context.strokeStyle = "#ffe14d";
        context.lineWidth = 1.6;
        context.stroke();
      }
      this.disc(x, y, 5, "#ffe14d");
    }
    if (dragged) this.diamond(...this.to(dragged));
  }

  disc(x, y, radius, colour) {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
    context.strokeStyle = "#000b";
    context.lineWidth = 1.2;
    context.stroke();
  }

  square(x, y, half, colour) {
    this.context.strokeStyle = colour;
    this.context.lineWidth = 1.6;
    this.context.strokeRect(x - half, y - half, 2 * half, 2 * half);
  }

  diamond(x, y) {
    const { context } = this;
    context.beginPath();
    [[0, -6], [6, 0], [0, 6], [-6, 0]].forEach(([dx, dy]) => context.lineTo(x + dx, y + dy));
    context.closePath();
    context.strokeStyle = "#35e0c0";
    context.lineWidth = 2.2;
    context.stroke();
  }

  to([x, y]) {
    return [(x - this.left) * this.scale, (y - this.top) * this.scale];
  }

  pixel(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return [(event.clientX - left) / this.scale + this.left, (event.clientY - top) / this.scale + this.top];
  }

  /* Where the joint can be taken hold of: the place it was dragged to, or its projection. */
  handle() {
    if (!this.moment) return null;
    return this.moment.dragged[this.view.name] || this.moment.views[this.number].points[this.joint];
  }

  isNear(event) {
    const handle = this.handle();
    if (!handle || !event) return false;
    const [x, y] = this.pixel(event);
    return Math.hypot(x - handle[0], y - handle[1]) * this.scale < GRAB_PX;
  }

  grab(event) {
    if (event.button || !this.isNear(event)) return;
    const [x, y] = this.pixel(event);
    const handle = this.handle();
    this.held = true;
    this.offset = [handle[0] - x, handle[1] - y]; // the finger does not hide what it drags
    if (event.isTrusted) this.canvas.setPointerCapture(event.pointerId);
    event.preventDefault();
  }

  move(event) {
    const [x, y] = this.pixel(event);
    const limit = (value, size) => Math.min(Math.max(value, -0.5), size - 0.5);
    const at = [limit(x + this.offset[0], this.view.width), limit(y + this.offset[1], this.view.height)];
    this.moment = { ...this.moment, dragged: { ...this.moment.dragged, [this.view.name]: at } };
    this.draw();
    this.onDrag(this.view.name, at);
  }

  release() {
    this.held = false;
  }
}
