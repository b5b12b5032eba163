"use strict";
/* Draws poses, covariances, cameras and the floor on a 2D canvas, far things first. */

const GRID_STEP_MM = 500;
const GRID_HALF_LINES = 8;
const LIMB_WIDTH_MM = 28;
const JOINT_RADIUS_MM = 20;
const UNSEEN = 0;
const SELECTED = 2;
const FAINTEST = 0.18;

/* How strongly a joint is drawn: one twice as uncertain as the median of the harvest, half as strongly. */
const strengthOf = (sigma, median) => clamp(median / Math.max(sigma, 1e-6), FAINTEST, 1);

class Scene {
  constructor(canvas, data) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.data = data;
    this.motion = null;
    this.orbit = new Orbit(data.stage);
    this.moment = 0;
    this.person = null;
    this.show = { ellipsoids: true, cameras: true, follow: false };
    this.hits = [];
    this.readColours();
  }

  readColours() {
    const style = getComputedStyle(document.documentElement);
    this.colours = Object.fromEntries(
      ["left", "right", "middle", "doubt", "ink", "soft", "grid", "stage"].map((name) => [
        name,
        style.getPropertyValue(`--${name}`).trim(),
      ]),
    );
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.canvas;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.orbit.resize(clientWidth, clientHeight);
  }

  /* Those of the moment's people who are shown: everybody, or the one chosen. */
  samples() {
    if (this.motion === null) return [];
    const { samples, people } = this.motion.moments[this.moment];
    return this.person === null ? samples : samples.filter((_, index) => people[index] === this.person);
  }

  /* Every joint that a camera sees in the moment shown. */
  seenPoints() {
    const points = [];
    for (const sample of this.samples())
      for (let joint = 0; joint < this.motion.numJoints; joint++)
        if (this.motion.state(sample, joint) !== UNSEEN) points.push(this.motion.position(sample, joint));
    return points;
  }

  fit(what) {
    const body = this.seenPoints();
    const points = what === "rig" ? body.concat(this.data.cameras.map((camera) => camera.center)) : body;
    if (!points.length) return;
    const bounds = [Math.min, Math.max].map((pick) => [0, 1, 2].map((axis) => pick(...points.map((point) => point[axis]))));
    const middle = times(add(...bounds), 0.5);
    const reach = Math.max(...points.map((point) => Math.hypot(...add(point, middle, -1))), 300);
    this.orbit.target = middle;
    this.orbit.distance = reach * FOCAL * (what === "rig" ? 1.35 : 2.15);
    if (what === "rig") this.orbit.elevation = 0.5;
    this.orbit.update();
  }

  setMoment(motion, index) {
    const before = this.centre();
    const isFirst = this.motion === null;
    this.motion = motion;
    this.moment = index;
    if (isFirst) this.fit("person");
    const after = this.centre();
    if (this.show.follow && before && after) {
      this.orbit.target = add(this.orbit.target, add(after, before, -1));
      this.orbit.update();
    }
  }

  centre() {
    const points = this.seenPoints();
    if (!points.length) return null;
    return times(points.reduce((sum, point) => add(sum, point), [0, 0, 0]), 1 / points.length);
  }

  draw() {
    const { context, orbit } = this;
    context.clearRect(0, 0, orbit.width, orbit.height);
    this.drawFloor();
    const parts = [];
    const joints = [];
    this.hits = [];
    if (this.show.cameras) this.data.cameras.forEach((camera) => parts.push(this.cameraPart(camera)));
    for (const sample of this.samples()) {
      this.drawShadow(sample);
      this.data.limbs.forEach((limb) => parts.push(this.limbPart(sample, limb)));
      this.data.joints.forEach((joint, index) => joints.push(this.jointPart(sample, joint, index)));
    }
    // Joints come last: they are the measurement, no limb shall hide one.
    for (const layer of [parts, joints])
      layer
        .filter((part) => part)
        .sort((a, b) => b.depth - a.depth)
        .forEach((part) => part.draw());
  }

  line(from, to) {
    const ends = this.orbit.segment(from, to);
    if (!ends) return;
    this.context.moveTo(ends[0].x, ends[0].y);
    this.context.lineTo(ends[1].x, ends[1].y);
  }

  onFloor(point) {
    const { up, floor_mm } = this.data.stage;
    return add(point, up, floor_mm - dot(point, up));
  }

  drawFloor() {
    const { context, orbit } = this;
    const { front, side } = orbit;
    const centre = this.onFloor(this.data.floor_centre);
    const half = GRID_HALF_LINES * GRID_STEP_MM;
    for (let k = -GRID_HALF_LINES; k <= GRID_HALF_LINES; k++) {
      context.beginPath();
      const onFront = add(centre, front, k * GRID_STEP_MM);
      const onSide = add(centre, side, k * GRID_STEP_MM);
      this.line(add(onFront, side, -half), add(onFront, side, half));
      this.line(add(onSide, front, -half), add(onSide, front, half));
      context.strokeStyle = this.colours.grid;
      context.globalAlpha = (1 - 0.8 * Math.abs(k / GRID_HALF_LINES)) * (k % 2 ? 0.45 : 1);
      context.lineWidth = 1;
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  drawShadow(sample) {
    const { context } = this;
    context.beginPath();
    for (const limb of this.data.limbs) {
      if (!this.isSeen(sample, limb)) continue;
      const [from, to] = [limb.parent, limb.child].map((joint) => this.onFloor(this.motion.position(sample, joint)));
      this.line(from, to);
    }
    context.strokeStyle = this.colours.ink;
    context.globalAlpha = 0.12;
    context.lineWidth = 5;
    context.lineCap = "round";
    context.stroke();
    context.globalAlpha = 1;
  }

  isSeen(sample, limb) {
    return this.motion.state(sample, limb.parent) !== UNSEEN && this.motion.state(sample, limb.child) !== UNSEEN;
  }

  limbPart(sample, limb) {
    if (!this.isSeen(sample, limb)) return null;
    const [from, to] = [limb.parent, limb.child].map((joint) => this.motion.position(sample, joint));
    const middle = this.orbit.project(times(add(from, to), 0.5));
    if (!middle) return null;
    const strength = Math.min(...[limb.parent, limb.child].map((joint) => this.strength(sample, joint)));
    return { depth: middle.depth, draw: () => this.drawLimb(from, to, clamp(LIMB_WIDTH_MM * middle.scale, 2, 16), limb.side, strength) };
  }

  strength(sample, joint) {
    return strengthOf(this.motion.sigma(sample, joint), this.data.sigma_mm.median);
  }

  drawLimb(from, to, width, side, strength) {
    const { context } = this;
    context.lineCap = "round";
    context.beginPath();
    this.line(from, to);
    context.strokeStyle = this.colours.stage;
    context.lineWidth = width + 3;
    context.stroke();
    context.globalAlpha = strength;
    context.strokeStyle = this.colours[side];
    context.lineWidth = width;
    context.stroke();
    context.globalAlpha = 1;
  }

  jointPart(sample, joint, index) {
    const state = this.motion.state(sample, index);
    if (state === UNSEEN) return null;
    const contour = this.orbit.ellipse(this.motion.position(sample, index), this.motion.root(sample, index), NUM_SIGMAS);
    if (!contour) return null;
    const sigma = this.motion.sigma(sample, index);
    const selected = state === SELECTED ? "selected" : "not selected";
    this.hits.push({ x: contour.x, y: contour.y, joint: index, tip: `${joint.label}\nsigma ${sigma.toFixed(1)} mm\n${selected}` });
    return { depth: contour.depth, draw: () => this.drawJoint(contour, this.strength(sample, index), this.colours[joint.side]) };
  }

  drawJoint(contour, strength, colour) {
    const { context } = this;
    if (this.show.ellipsoids) this.drawContour(contour, strength, colour);
    context.globalAlpha = strength;
    context.beginPath();
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.arc(contour.x, contour.y, clamp(JOINT_RADIUS_MM * contour.scale, 2.5, 8), 0, 2 * Math.PI);
    context.fillStyle = "#fff";
    context.fill();
    context.stroke();
    context.globalAlpha = 1;
  }

  drawContour(contour, strength, colour) {
    const { context } = this;
    context.beginPath();
    context.ellipse(contour.x, contour.y, contour.major, contour.minor, contour.angle, 0, 2 * Math.PI);
    context.fillStyle = context.strokeStyle = colour;
    context.globalAlpha = 0.1 + 0.14 * strength;
    context.fill();
    context.globalAlpha = 0.35 + 0.4 * strength;
    context.lineWidth = 1.2;
    context.stroke();
    context.globalAlpha = 1;
  }

  cameraPart(camera) {
    const at = this.orbit.project(camera.center);
    return at && { depth: at.depth, draw: () => this.drawCamera(camera, at) };
  }

  drawCamera(camera, at) {
    const { context } = this;
    const [x, y, z] = camera.axes;
    const [halfX, halfY] = camera.half_fov;
    const length = this.data.frustum_mm;
    const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([i, j]) =>
      add(add(add(camera.center, z, length), x, i * halfX * length), y, j * halfY * length),
    );
    context.beginPath();
    corners.forEach((corner, k) => {
      this.line(camera.center, corner);
      this.line(corner, corners[(k + 1) % 4]);
    });
    // A bar along the upper edge tells which way up the camera stands.
    context.strokeStyle = this.colours.soft;
    context.lineWidth = 1.2;
    context.stroke();
    context.beginPath();
    this.line(corners[0], corners[1]);
    context.lineWidth = 3;
    context.stroke();
    context.font = "600 12px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillStyle = this.colours.soft;
    context.fillText(camera.name, at.x, at.y + 24);
  }

  /* The words for the joint under the pointer, or null. */
  tipAt(x, y) {
    let best = null;
    let nearest = 14;
    for (const hit of this.hits) {
      const distance = Math.hypot(hit.x - x, hit.y - y);
      if (distance < nearest) [best, nearest] = [hit.tip, distance];
    }
    return best;
  }
}
