"use strict";
/* One joint or angle over time, with bands of two standard deviations: a position, a joint angle by its definition, or
   the angle between the two limbs of a joint. */

const CHART = { left: 64, right: 12, height: 96, gap: 12, axis: 22 };

class Trajectories {
  constructor(data, onPick) {
    this.data = data;
    this.onPick = onPick;
    this.svg = document.getElementById("trajectories");
    this.chooser = document.getElementById("trajectory");
    this.hinges = hinges(data.limbs);
    this.person = data.people[0];
    this.motion = null;
    this.chooser.addEventListener("change", () => this.draw());
    this.svg.addEventListener("click", (event) => this.pick(event));
    document.getElementById("save-csv").addEventListener("click", () => this.save());
    new ResizeObserver(() => this.draw()).observe(this.svg.parentElement);
  }

  /* What is chosen: "position" or "angle" of a joint, or the "definition" of an angle, with its number. */
  get chosen() {
    const [what, number] = this.chooser.value.split(" ");
    return { what, joint: Number(number) };
  }

  /* Name and side of the joint or the angle that is chosen. */
  get shown() {
    const { what, joint } = this.chosen;
    return (what === "definition" ? this.data.angles : this.data.joints)[joint];
  }

  choose(joint) {
    this.chooser.value = `position ${joint}`;
    this.draw();
  }

  setMoment(motion, moment) {
    const isNew = motion !== this.motion;
    this.motion = motion;
    this.moment = moment;
    if (isNew) this.draw();
    else this.moveHead();
  }

  setPerson(person) {
    this.person = person === null ? this.data.people[0] : person;
    this.draw();
  }

  /* The values of a moment, one of each curve: [{value, sigma}], or null where there are none. */
  valuesAt(moment) {
    const { what, joint } = this.chosen;
    const sample = this.motion.sampleOf(moment, this.person);
    if (what === "definition") {
      const found = sample === null ? null : this.motion.angle(sample, joint);
      return found === null ? null : [found];
    }
    const joints = what === "angle" ? [this.hinges.get(joint)[0], joint, this.hinges.get(joint)[1]] : [joint];
    if (sample === null || joints.some((one) => this.motion.state(sample, one) === UNSEEN)) return null;
    const positions = joints.map((one) => this.motion.position(sample, one));
    const covariances = joints.map((one) => this.motion.covariance(sample, one));
    if (what === "position") return positions[0].map((value, axis) => ({ value, sigma: Math.sqrt(covariances[0][axis][axis]) }));
    const angle = angleAt(positions, covariances);
    return angle === null ? null : [angle];
  }

  get labels() {
    return this.chosen.what !== "position" ? ["angle, °"] : ["x, mm", "y, mm", "z, mm"];
  }

  x(frame) {
    const { moments } = this.motion;
    const [first, last] = [moments[0].frame, moments[moments.length - 1].frame];
    return CHART.left + ((this.width - CHART.left - CHART.right) * (frame - first)) / Math.max(last - first, 1);
  }

  draw() {
    if (this.motion === null) return;
    this.width = Math.max(this.svg.parentElement.clientWidth, 260);
    const rows = this.motion.moments.map((_, moment) => this.valuesAt(moment));
    const { labels } = this;
    const height = labels.length * (CHART.height + CHART.gap) + CHART.axis;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
    this.svg.setAttribute("height", height);
    this.svg.replaceChildren(...labels.flatMap((label, curve) => this.chart(label, curve, rows)), ...this.timeAxis(height));
    this.head = this.element("line", { class: "playhead", y1: 0, y2: height - CHART.axis });
    this.svg.append(this.head);
    this.moveHead();
  }

  element(name, attributes, text = "") {
    const made = document.createElementNS(this.svg.namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  }

  /* Stretches of moments in a row that have values. */
  runs(rows) {
    const { moments } = this.motion;
    const runs = [];
    rows.forEach((row, k) => {
      if (row === null) return;
      const goesOn = k > 0 && rows[k - 1] !== null && moments[k].frame - moments[k - 1].frame === 1;
      if (goesOn) runs[runs.length - 1].push(k);
      else runs.push([k]);
    });
    return runs;
  }

  chart(label, curve, rows) {
    const top = curve * (CHART.height + CHART.gap);
    const known = rows.filter((row) => row !== null).map((row) => row[curve]);
    const name = this.element("text", { x: 0, y: top + 14 }, label);
    const frame = this.element("rect", { class: "frame", x: CHART.left, y: top, width: this.width - CHART.left - CHART.right, height: CHART.height });
    if (!known.length) return [frame, name, this.element("text", { x: CHART.left + 8, y: top + 20 }, "no two cameras show it here")];
    const low = Math.min(...known.map(({ value, sigma }) => value - NUM_SIGMAS * sigma));
    const high = Math.max(...known.map(({ value, sigma }) => value + NUM_SIGMAS * sigma));
    const y = (value) => top + CHART.height * (1 - (value - low) / Math.max(high - low, 1e-9));
    const { moments } = this.motion;
    const at = (k, sign) => `${this.x(moments[k].frame).toFixed(1)} ${y(rows[k][curve].value + sign * NUM_SIGMAS * rows[k][curve].sigma).toFixed(1)}`;
    const runs = this.runs(rows);
    const band = runs.map((run) => `M${run.map((k) => at(k, 1)).join("L")}L${[...run].reverse().map((k) => at(k, -1)).join("L")}Z`).join("");
    const line = runs.map((run) => `M${run.map((k) => at(k, 0)).join("L")}${run.length === 1 ? "h.1" : ""}`).join("");
    const { side } = this.shown;
    const ends = [[high, 28], [low, CHART.height - 2]].map(([value, down]) => this.element("text", { class: "end", x: CHART.left - 6, y: top + (down === 28 ? 30 : down) }, value.toFixed(0)));
    return [frame, this.element("path", { class: `band ${side}`, d: band }), this.element("path", { class: `curve ${side}`, d: line }), name, ...ends];
  }

  timeAxis(height) {
    const { moments } = this.motion;
    const [first, last] = [moments[0].frame, moments[moments.length - 1].frame];
    return [
      this.element("text", { x: CHART.left, y: height - 6 }, `frame ${first}`),
      this.element("text", { class: "end", x: this.width - CHART.right, y: height - 6 }, String(last)),
    ];
  }

  moveHead() {
    if (!this.head) return;
    const x = this.x(this.motion.moments[this.moment].frame);
    this.head.setAttribute("x1", x);
    this.head.setAttribute("x2", x);
    const values = this.valuesAt(this.moment);
    document.getElementById("trajectory-label").textContent =
      values === null ? "not seen here" : values.map(({ value, sigma }, k) => `${this.labels[k].split(",")[0]} ${value.toFixed(1)} ± ${(NUM_SIGMAS * sigma).toFixed(1)}`).join(" · ");
  }

  pick(event) {
    const x = ((event.clientX - this.svg.getBoundingClientRect().left) / this.svg.clientWidth) * this.width;
    const { moments } = this.motion;
    const [first, last] = [moments[0].frame, moments[moments.length - 1].frame];
    const share = clamp((x - CHART.left) / (this.width - CHART.left - CHART.right), 0, 1);
    this.onPick(Math.round(first + share * (last - first)));
  }

  /* What the chart shows, as lines of CSV: positions and one standard deviation each. */
  csv() {
    const names = this.chosen.what !== "position" ? ["angle_deg"] : ["x_mm", "y_mm", "z_mm"];
    const head = ["frame", "time_s", "person", "joint", ...names, ...names.map((name) => `sigma_${name}`)];
    const lines = this.motion.moments.map((moment, k) => {
      const values = this.valuesAt(k);
      const numbers = values === null ? names.flatMap(() => ["", ""]) : [...values.map((one) => one.value.toFixed(2)), ...values.map((one) => one.sigma.toFixed(3))];
      return [moment.frame, moment.time_s, this.person, this.shown.name, ...numbers];
    });
    return [head, ...lines].map((line) => line.map(csvCell).join(",")).join("\n") + "\n";
  }

  save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.csv()], { type: "text/csv" }));
    link.download = `${this.shown.name}_${this.chosen.what === "position" ? "position" : "angle"}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  }
}

function csvCell(value) {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
