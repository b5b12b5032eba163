"use strict";
/* Unpacks the quantised poses of the page's data. */

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

/* One sample is one person in one frame; moments group the samples of a frame. */
class Motion {
  constructor(packed, numJoints) {
    this.numJoints = numJoints;
    this.means = int16Of(packed.means);
    this.roots = int16Of(packed.roots);
    this.states = bytesOf(packed.states);
    this.origin = packed.origin_mm;
    this.step = packed.step_mm;
    this.rootStep = packed.root_step_mm;
    this.moments = packed.moments;
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

  /* Index of the moment nearest to a frame number. */
  momentOf(frame) {
    let best = 0;
    this.moments.forEach((moment, index) => {
      if (Math.abs(moment.frame - frame) < Math.abs(this.moments[best].frame - frame)) best = index;
    });
    return best;
  }
}
