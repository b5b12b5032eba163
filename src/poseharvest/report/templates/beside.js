"use strict";
/* Tells each of the two reports the time that the other one shows. Pages from a disk may send messages, and no more. */

const together = document.getElementById("together");
const sides = [...document.querySelectorAll("iframe")].map((frame) => frame.contentWindow);

window.addEventListener("message", (event) => {
  if (!together.checked || typeof event.data.time_s !== "number") return;
  const other = sides.find((side) => side !== event.source);
  if (sides.includes(event.source)) other.postMessage({ time_s: event.data.time_s }, "*");
});
