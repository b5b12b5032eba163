"use strict";
/* Small vectors, and a viewer that circles around a point. */

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const add = (a, b, scale = 1) => [a[0] + scale * b[0], a[1] + scale * b[1], a[2] + scale * b[2]];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const times = (a, scale) => [a[0] * scale, a[1] * scale, a[2] * scale];
const unit = (a) => times(a, 1 / Math.hypot(...a));
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

const NEAR_MM = 50;
const FOCAL = 1.6; // of the canvas's height: about 35 degrees from top to bottom

class Orbit {
  constructor(stage) {
    this.up = stage.up;
    this.front = stage.facing;
    this.side = cross(this.up, this.front);
    this.azimuth = 0.5;
    this.elevation = 0.22;
    this.distance = 5000;
    this.target = [0, 0, 0];
    this.resize(300, 300);
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
    this.update();
  }

  update() {
    this.elevation = clamp(this.elevation, -1.45, 1.54);
    this.distance = clamp(this.distance, 300, 200000);
    const flat = add(times(this.front, Math.cos(this.azimuth)), this.side, Math.sin(this.azimuth));
    const away = add(times(flat, Math.cos(this.elevation)), this.up, Math.sin(this.elevation));
    this.eye = add(this.target, away, this.distance);
    this.forward = times(away, -1);
    this.right = unit(cross(this.forward, this.up));
    this.above = cross(this.right, this.forward);
    this.focal = FOCAL * Math.min(this.height, 1.15 * this.width);
  }

  turn(dx, dy) {
    this.azimuth -= dx;
    this.elevation += dy;
    this.update();
  }

  zoom(factor) {
    this.distance *= factor;
    this.update();
  }

  /* Moves the target by canvas pixels, so that the point under the pointer stays under it. */
  pan(dx, dy) {
    const scale = this.distance / this.focal;
    this.target = add(add(this.target, this.right, -dx * scale), this.above, dy * scale);
    this.update();
  }

  depth(point) {
    return dot(add(point, this.eye, -1), this.forward);
  }

  /* {x, y, depth, scale} on the canvas, or null behind the viewer. */
  project(point) {
    const from = add(point, this.eye, -1);
    const depth = dot(from, this.forward);
    if (depth < NEAR_MM) return null;
    const scale = this.focal / depth;
    return {
      x: this.width / 2 + scale * dot(from, this.right),
      y: this.height / 2 - scale * dot(from, this.above),
      depth,
      scale,
    };
  }

  /* The two ends of a segment on the canvas, cut at the viewer's near plane; null if it lies behind. */
  segment(a, b) {
    const depthA = this.depth(a) - NEAR_MM;
    const depthB = this.depth(b) - NEAR_MM;
    if (depthA <= 0 && depthB <= 0) return null;
    const cut = (from, to, depthFrom, depthTo) => add(from, add(to, from, -1), (depthFrom + 1e-3) / (depthFrom - depthTo));
    const start = depthA > 0 ? a : cut(b, a, depthB - 1, depthA);
    const end = depthB > 0 ? b : cut(a, b, depthA - 1, depthB);
    const p = this.project(start);
    const q = this.project(end);
    return p && q ? [p, q] : null;
  }

  /* The contour of a Gaussian: its covariance carried through the Jacobian of the projection. */
  ellipse(point, root, numSigmas) {
    const at = this.project(point);
    if (!at) return null;
    const from = add(point, this.eye, -1);
    const tilt = (axis) => times(add(axis, this.forward, -dot(from, axis) / at.depth), at.scale);
    const through = (row) => root.map((column) => dot(row, column));
    const u = through(tilt(this.right));
    const v = through(times(tilt(this.above), -1));
    const [a, b, c] = [dot(u, u), dot(u, v), dot(v, v)];
    const middle = (a + c) / 2;
    const spread = Math.hypot((a - c) / 2, b);
    return {
      ...at,
      major: numSigmas * Math.sqrt(middle + spread),
      minor: numSigmas * Math.sqrt(Math.max(middle - spread, 0)),
      angle: 0.5 * Math.atan2(2 * b, a - c),
    };
  }
}
