"use strict";
/* The pose of the player's moment in every view, over its picture of the film, or the nearest small picture of the page. */

const CLOSE_UP_MARGIN = 0.18;
const SMALLEST_BOX_PX = 80;

class ViewCanvas {
  constructor(canvas, data, view) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.data = data;
    this.view = view;
    this.hits = [];
    canvas.addEventListener("pointermove", (event) => this.hover(event));
    canvas.addEventListener("pointerleave", () => tooltip.hide());
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
    this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
    this.ratio = ratio;
  }

  hover(event) {
    const near = this.hits.filter((hit) => Math.hypot(hit.x - event.offsetX, hit.y - event.offsetY) < 12);
    if (near.length) tooltip.show(near[0].tip, event.clientX, event.clientY);
    else tooltip.hide();
  }

  /* The part of the picture that is shown: all of it, or the surroundings of the people. */
  box(points, isCloseUp) {
    const { width, height } = this.data.views[this.view];
    const inside = points.filter(([x, y]) => x >= 0 && y >= 0 && x < width && y < height);
    if (!isCloseUp || !inside.length) return { left: -0.5, top: -0.5, width, height };
    const [low, high] = [Math.min, Math.max].map((pick) => [0, 1].map((axis) => pick(...inside.map((point) => point[axis]))));
    const extent = [0, 1].map((axis) => Math.max((high[axis] - low[axis]) * (1 + 2 * CLOSE_UP_MARGIN), SMALLEST_BOX_PX));
    const shape = this.canvas.clientWidth / this.canvas.clientHeight;
    const tall = Math.max(extent[1], extent[0] / shape);
    return { left: (low[0] + high[0] - tall * shape) / 2, top: (low[1] + high[1] - tall) / 2, width: tall * shape, height: tall };
  }

  draw(motion, samples, options, picture) {
    const { context, canvas } = this;
    const joints = samples.map((sample) => this.data.joints.map((_, joint) => (motion.state(sample, joint) === UNSEEN ? null : motion.pixel(motion.pixels, sample, this.view, joint))));
    const box = this.box(joints.flat().filter((point) => point), options.closeUp);
    const scale = canvas.clientWidth / box.width;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    this.to = ([x, y]) => [(x - box.left) * scale, (y - box.top) * scale];
    this.scale = scale;
    this.drawPicture(picture);
    this.hits = [];
    samples.forEach((sample, k) => {
      this.data.limbs.forEach((limb) => this.drawLimb(motion, sample, joints[k], limb, options));
      joints[k].forEach((point, joint) => point && this.drawJoint(motion, sample, point, joint, options));
    });
  }

  drawPicture(picture) {
    if (!picture) return;
    const { width, height } = this.data.views[this.view];
    const [left, top] = this.to([-0.5, -0.5]);
    this.context.globalAlpha = picture.isExact ? 1 : 0.45;
    this.context.drawImage(picture.image, ...(picture.part || []), left, top, width * this.scale, height * this.scale);
    this.context.globalAlpha = 1;
  }

  drawLimb(motion, sample, points, limb, { colours, median }) {
    const [from, to] = [points[limb.parent], points[limb.child]];
    if (!from || !to) return;
    const { context } = this;
    const sigma = Math.max(motion.sigma(sample, limb.parent), motion.sigma(sample, limb.child));
    context.lineCap = "round";
    for (const [colour, width, alpha] of [["rgb(0 0 0 / .5)", 4.5, 0.7], [colours[limb.side], 2.5, strengthOf(sigma, median)]]) {
      context.beginPath();
      context.moveTo(...this.to(from));
      context.lineTo(...this.to(to));
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.globalAlpha = alpha;
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  drawJoint(motion, sample, point, joint, { colours, median, ellipses, peaks }) {
    const { context } = this;
    const [x, y] = this.to(point);
    const sigma = motion.sigma(sample, joint);
    const colour = colours[this.data.joints[joint].side];
    const contour = ellipses && motion.contourIn(sample, this.view, joint);
    if (contour) this.drawContour(contour, x, y, colour);
    const peak = peaks && motion.pixel(motion.peaks, sample, this.view, joint);
    if (peak) this.drawPeak(x, y, ...this.to(peak));
    context.globalAlpha = strengthOf(sigma, median);
    context.beginPath();
    context.arc(x, y, 2.6, 0, 2 * Math.PI);
    context.fillStyle = "#fff";
    context.fill();
    context.strokeStyle = colour;
    context.lineWidth = 1.4;
    context.stroke();
    context.globalAlpha = 1;
    this.hits.push({ x, y, tip: `${this.data.joints[joint].label}\nsigma ${sigma.toFixed(1)} mm` });
  }

  drawContour(contour, x, y, colour) {
    const { context } = this;
    context.beginPath();
    context.ellipse(x, y, contour.major * this.scale, contour.minor * this.scale, contour.angle, 0, 2 * Math.PI);
    context.fillStyle = context.strokeStyle = colour;
    context.globalAlpha = 0.18;
    context.fill();
    context.globalAlpha = 0.8;
    context.lineWidth = 1;
    context.stroke();
    context.globalAlpha = 1;
  }

  drawPeak(x, y, peakX, peakY) {
    const { context } = this;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(peakX, peakY);
    context.rect(peakX - 2.5, peakY - 2.5, 5, 5);
    context.strokeStyle = "#ff5cab";
    context.lineWidth = 1.2;
    context.stroke();
  }
}

/* All views together, and the small pictures behind them. */
class ViewCanvases {
  constructor(data, scene) {
    this.data = data;
    this.scene = scene;
    this.options = { closeUp: false, ellipses: true, peaks: false, median: data.sigma_mm.median };
    this.views = [...document.querySelectorAll("canvas[data-view]")].map((canvas, view) => new ViewCanvas(canvas, data, view));
    this.images = new Map();
    this.film = data.film === null ? null : new Film(data, () => this.paintFound());
    for (const box of document.querySelectorAll("input[data-views]"))
      box.addEventListener("change", () => {
        this.options[box.dataset.views] = box.checked;
        this.draw();
      });
    const observer = new ResizeObserver(() => {
      this.views.forEach((view) => view.resize());
      this.draw();
    });
    this.views.forEach((view) => {
      view.resize();
      observer.observe(view.canvas);
    });
  }

  /* Number of the picture nearest to a frame; -1 without any. */
  nearest(frame) {
    const { frames } = this.data.pictures;
    let best = frames.length ? 0 : -1;
    frames.forEach((other, k) => {
      if (Math.abs(other - frame) < Math.abs(frames[best] - frame)) best = k;
    });
    return best;
  }

  picture(number, view, frame) {
    if (number < 0) return null;
    const { frames, uris } = this.data.pictures;
    const uri = uris[number][view];
    if (uri === null) return null;
    const key = `${number} ${view}`;
    if (!this.images.has(key)) {
      const image = new Image();
      image.onload = () => this.draw();
      image.src = uri;
      this.images.set(key, image);
    }
    const image = this.images.get(key);
    return image.complete && image.naturalWidth ? { image, isExact: frames[number] === frame } : null;
  }

  /* What the player shows now; null before the first piece is there. */
  state() {
    const { motion, moment } = this.scene;
    return motion === null ? null : { motion, samples: this.scene.samples(), frame: motion.moments[moment].frame };
  }

  /* With a film, a moment is drawn when its picture is found: pose and picture change together. */
  draw() {
    const state = this.state();
    if (state === null) return;
    if (this.film === null || this.film.failure !== null) return this.paint(state);
    const number = this.film.numberOf(state.frame);
    if (this.film.sought === null && this.film.shown === number) return this.paint(state);
    if (this.film.shown === null) this.paint(state);
    if (this.film.sought !== null) return; // then the newest moment is asked for
    this.asked = state;
    this.film.seek(number);
  }

  paintFound() {
    if (this.film.failure === null) this.paint(this.asked);
    this.draw();
  }

  paint(state) {
    const { motion, samples, frame } = state;
    const film = this.film !== null && this.film.failure === null && this.film.shown !== null ? this.film : null;
    const number = this.nearest(frame);
    const kept = number < 0 ? null : this.data.pictures.frames[number];
    const behind = film !== null ? film.frameOf(film.shown) : kept;
    document.getElementById("picture-label").textContent =
      this.film !== null && this.film.failure !== null ? this.film.failure
      : behind === null || behind === frame ? "" : `the pictures, drawn faintly, are those of frame ${behind}`;
    const colours = { left: "#53b1ff", right: "#ff9d3c", middle: "#f2f2f2" };
    const options = { ...this.options, colours };
    for (const view of this.views)
      view.draw(motion, samples, options, film !== null ? film.picture(view.view, frame) : this.picture(number, view.view, frame));
    this.painted = frame;
  }
}
