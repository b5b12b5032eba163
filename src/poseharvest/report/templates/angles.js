"use strict";
/* The angle between the two limbs that meet in a joint, with its standard deviation. */

const DEGREES = 180 / Math.PI;
const LEAST_SINE = 1e-3;

/* The outer ends of the two limbs of every joint with exactly two: {joint: [inner, outer]}. */
function hinges(limbs) {
  const found = new Map();
  for (const { child, parent } of limbs) {
    const onward = limbs.filter((limb) => limb.parent === child);
    if (onward.length === 1) found.set(child, [parent, onward[0].child]);
  }
  return found;
}

/* {value, sigma} in degrees of the angle a-b-c, whose positions err independently of one another. */
function angleAt([a, b, c], covariances) {
  const [u, v] = [add(a, b, -1), add(c, b, -1)];
  const [lengthU, lengthV] = [Math.hypot(...u), Math.hypot(...v)];
  if (!(lengthU > 0) || !(lengthV > 0)) return null;
  const [toA, toC] = [times(u, 1 / lengthU), times(v, 1 / lengthV)];
  const cosine = clamp(dot(toA, toC), -1, 1);
  const sine = Math.max(Math.sqrt(1 - cosine * cosine), LEAST_SINE);
  const byA = times(add(toC, toA, -cosine), -1 / (sine * lengthU));
  const byC = times(add(toA, toC, -cosine), -1 / (sine * lengthV));
  const slopes = [byA, times(add(byA, byC), -1), byC];
  const variance = slopes.reduce((sum, slope, k) => sum + dot(slope, covariances[k].map((row) => dot(row, slope))), 0);
  return { value: Math.acos(cosine) * DEGREES, sigma: Math.sqrt(Math.max(variance, 0)) * DEGREES };
}
