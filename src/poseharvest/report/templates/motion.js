"use strict";
/* Unpacks the quantised poses of a piece of the take, and their projections into every view. */

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function int16Of(base64) {
  const bytes = new DataView(bytesOf(base64).buffer);
  const values = new Float32Array(bytes.byteLength / 2);
  for (let i = 0; i < values.length; i++) values[i] = bytes.getInt16(2 * i, true);
  return values;
}

const NOWHERE = -32768;
const NUM_SIGMAS = 2;

/* One sample is one person in one frame; moments group the samples of a frame. */
class Motion {
  constructor(piece, numJoints, numViews, numAngles) {
    const { poses, views } = piece;
    this.numJoints = numJoints;
    this.numViews = numViews;
    this.numAngles = numAngles;
    this.means = int16Of(poses.means);
    this.roots = int16Of(poses.roots);
    this.states = bytesOf(poses.states);
    this.origin = poses.origin_mm;
    this.step = poses.step_mm;
    this.rootStep = poses.root_step_mm;
    this.viewSteps = views.steps_px;
    this.viewRootStep = views.root_step_px;
    this.pixels = int16Of(views.pixels);
    this.peaks = int16Of(views.peaks);
    this.viewRoots = int16Of(views.roots);
    this.angleStep = piece.angles.step_deg;
    this.angles = int16Of(piece.angles.degrees);
    this.angleSigmas = int16Of(piece.angles.sigmas_deg);
    let next = 0;
    this.moments = piece.frames.map((frame, k) => {
      const people = piece.people[k];
      return { frame, time_s: piece.times_s[k], people, samples: people.map(() => next++) };
    });
  }

  position(sample, joint) {
    const at = 3 * (sample * this.numJoints + joint);
    return [0, 1, 2].map((axis) => this.origin[axis] + this.step * this.means[at + axis]);
  }

  /* The symmetric root of the joint's covariance, three rows, mm. */
  root(sample, joint) {
    const at = 6 * (sample * this.numJoints + joint);
    const [xx, xy, xz, yy, yz, zz] = this.roots.subarray(at, at + 6).map((value) => value * this.rootStep);
    return [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]];
  }

  /* 0: no camera sees it; 1: seen, not selected; 2: selected. */
  state(sample, joint) {
    return this.states[sample * this.numJoints + joint];
  }

  sigma(sample, joint) {
    const [a, b, c] = this.root(sample, joint);
    const volume = dot(a, cross(b, c));
    return Math.cbrt(Math.max(volume, 0));
  }

  at(sample, view, joint) {
    return (sample * this.numViews + view) * this.numJoints + joint;
  }

  /* [x, y] of the pose, or of the view's own peak, in the pixels of a view's picture; null where it has none. */
  pixel(values, sample, view, joint) {
    const at = 2 * this.at(sample, view, joint);
    if (values[at] === NOWHERE || values[at + 1] === NOWHERE) return null;
    return [values[at] * this.viewSteps[view], values[at + 1] * this.viewSteps[view]];
  }

  /* The contour of the joint in a view's picture: half axes in pixels and the angle of the longer one. */
  contourIn(sample, view, joint) {
    const at = 3 * this.at(sample, view, joint);
    const [xx, xy, yy] = this.viewRoots.subarray(at, at + 3);
    if (xx === NOWHERE || xy === NOWHERE || yy === NOWHERE) return null;
    const [middle, spread] = [(xx + yy) / 2, Math.hypot((xx - yy) / 2, xy)];
    const scale = NUM_SIGMAS * this.viewRootStep;
    return { major: scale * (middle + spread), minor: scale * Math.max(middle - spread, 0), angle: 0.5 * Math.atan2(2 * xy, xx - yy) };
  }

  /* The covariance of a joint, three rows, mm^2. */
  covariance(sample, joint) {
    const rows = this.root(sample, joint);
    return rows.map((row) => rows.map((other) => dot(row, other)));
  }

  /* {value, sigma} of a joint angle in degrees; null where it is not known. */
  angle(sample, number) {
    const at = sample * this.numAngles + number;
    if (this.angles[at] === NOWHERE) return null;
    return { value: this.angles[at] * this.angleStep, sigma: this.angleSigmas[at] * this.angleStep };
  }

  /* Index of the moment nearest to a frame number. */
  momentOf(frame) {
    let best = 0;
    this.moments.forEach((moment, index) => {
      if (Math.abs(moment.frame - frame) < Math.abs(this.moments[best].frame - frame)) best = index;
    });
    return best;
  }

  /* The sample of a person in a moment, or null. */
  sampleOf(moment, person) {
    const place = this.moments[moment].people.indexOf(person);
    return place < 0 ? null : this.moments[moment].samples[place];
  }
}
