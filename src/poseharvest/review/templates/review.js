"use strict";
/* The list of joints, one of them on the stage, and what becomes of it. The server computes; the page draws and asks. */

const element = (id) => document.getElementById(id);

class Review {
  constructor(data) {
    this.data = data;
    this.queue = [];
    this.current = -1;
    this.dragged = {};
    this.isBusy = false;
    this.asked = 0;
    this.views = [...document.querySelectorAll("canvas[data-view]")].map((canvas) => new JointView(canvas, data, (view, at) => this.drag(view, at)));
    const actions = { previous: () => this.step(-1), next: () => this.step(1), accept: () => this.decide("accept"), reject: () => this.decide("reject"), undo: () => this.undo(), zoom: () => this.zoom(), theme: () => this.theme() };
    for (const [id, action] of Object.entries(actions)) element(id).addEventListener("click", action);
    element("filter").addEventListener("change", () => this.start());
    const keys = { a: "accept", r: "reject", u: "undo", z: "zoom", ArrowLeft: "previous", ArrowRight: "next" };
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
      if (event.key === "Escape") this.show(this.current);
      const id = keys[event.key] || keys[event.key.toLowerCase()];
      if (!id) return;
      event.preventDefault();
      if (!event.repeat || id === "previous" || id === "next") actions[id]();
    });
  }

  async ask(path, body) {
    const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    let answer;
    try {
      answer = await fetch(path, options);
    } catch {
      throw new Error("the review has ended: nothing is written any more");
    }
    const content = await answer.json();
    if (!answer.ok) throw new Error(content.error);
    return content;
  }

  warn(text) {
    element("warning").hidden = !text;
    element("warning").textContent = text || "";
  }

  async start() {
    const joint = element("filter").value;
    try {
      const { joints, decisions } = await this.ask(joint ? `queue?joint=${encodeURIComponent(joint)}` : "queue");
      [this.queue, this.decisions] = [joints, decisions];
    } catch (error) {
      this.warn(error.message);
      return;
    }
    this.list();
    const first = this.queue.findIndex((one) => !one.decision);
    await this.show(this.queue.length ? Math.max(first, 0) : -1);
  }

  list() {
    const marks = { accept: "✓", move: "✥", reject: "✗" };
    element("queue").replaceChildren(...this.queue.map((one, index) => {
      const [item, button, mark, name, sigma] = ["li", "button", "span", "span", "small"].map((tag) => document.createElement(tag));
      mark.textContent = marks[one.decision] || "·";
      mark.className = one.decision || "";
      name.textContent = this.label(one);
      sigma.textContent = `${one.sigma_mm.toFixed(0)} mm`;
      button.setAttribute("aria-current", index === this.current);
      button.addEventListener("click", () => this.show(index));
      button.append(mark, name, sigma);
      item.append(button);
      return item;
    }));
    const done = this.queue.filter((one) => one.decision).length;
    element("progress").textContent = this.queue.length ? `${done} of ${this.queue.length} decided` : "there is nothing to look at";
  }

  label(one) {
    const joint = this.data.joints.find((other) => other.name === one.joint).label;
    return `${joint}, frame ${one.frame}${this.data.people > 1 ? `, person ${one.person}` : ""}`;
  }

  place(one) {
    return { frame: one.frame, person: one.person, joint: one.joint };
  }

  async show(index) {
    this.current = index;
    this.dragged = {};
    this.list();
    for (const id of ["accept", "reject", "previous", "next"]) element(id).disabled = index < 0;
    if (index < 0) return;
    element("queue").children[index].scrollIntoView({ block: "nearest" });
    const one = this.queue[index];
    const number = ++this.asked;
    try {
      const moment = await this.ask(`moment?${new URLSearchParams(this.place(one))}`);
      if (number !== this.asked) return;
      this.draw(moment, false);
      this.views.forEach((view) => view.load(this.picture(one.frame, view)));
      this.preload(this.queue[index + 1]);
    } catch (error) {
      this.warn(error.message);
    }
  }

  picture(frame, view) {
    return `picture?frame=${frame}&view=${view.number}`;
  }

  /* Lets the server decode the next joint's pictures while a person looks at this one. */
  preload(next) {
    if (next) new Image().src = this.picture(next.frame, this.views[0]);
  }

  draw(moment, keepBox) {
    this.moment = moment;
    const joint = this.data.joints.findIndex((one) => one.name === moment.joint);
    for (const view of this.views) if (!view.held) view.show(moment, joint, keepBox);
      else { view.moment = { ...moment, dragged: { ...moment.dragged, ...view.moment.dragged } }; view.draw(); }
    moment.views.forEach((own, number) => {
      document.querySelector(`[data-state="${number}"]`).textContent = !own.present ? "no picture was used" : own.inside ? "" : "outside the picture";
    });
    const words = { accept: "accepted", reject: "rejected", move: "moved" };
    element("what").textContent = this.label(moment);
    const before = moment.sigma_mm === moment.harvested_mm ? "" : `, harvested ${moment.harvested_mm.toFixed(1)} mm`;
    const state = moment.decision && !this.isDragged() ? words[moment.decision] : moment.supported ? (moment.selected ? "selected" : "not selected") : "not supported by two views";
    element("numbers").textContent = `${moment.time_s.toFixed(2)} s · sigma ${moment.sigma_mm.toFixed(1)} mm${before} · ${state}`;
    element("accept-word").textContent = this.isDragged() ? "save move" : "accept";
    this.warn(moment.warning);
  }

  isDragged() {
    return Object.keys(this.dragged).length > 0;
  }

  /* Asks for the joint's place in the other views; while an answer is awaited, only the last pixels are kept. */
  async drag(view, at) {
    if (!this.isDragged() && this.moment.decision === "move") this.dragged = { ...this.moment.dragged };
    this.dragged[view] = at;
    if (this.isAsking) {
      this.isStale = true;
      return;
    }
    this.isAsking = true;
    do {
      this.isStale = false;
      const number = this.asked;
      try {
        const moment = await this.ask("preview", { ...this.place(this.queue[this.current]), pixels: this.dragged });
        if (number === this.asked) this.draw(moment, true);
        else break;
      } catch (error) {
        this.warn(error.message);
      }
    } while (this.isStale);
    this.isAsking = false;
  }

  async decide(decision) {
    if (this.current < 0 || this.isBusy) return;
    const body = { ...this.place(this.queue[this.current]), decision };
    if (decision === "accept" && this.isDragged()) Object.assign(body, { decision: "move", pixels: this.dragged });
    else if (decision === "accept" && this.moment.decision === "move") return this.step(1);
    await this.write("decide", body, () => this.step(1));
  }

  async undo() {
    if (this.isDragged()) {
      await this.show(this.current);
      return;
    }
    await this.write("undo", {}, (moment) => {
      const index = this.indexOf(moment);
      if (index >= 0) return this.show(index);
      element("filter").value = "";
      return this.start();
    });
  }

  /* Writes a decision, and goes on only when the server has confirmed it. */
  async write(path, body, then) {
    if (this.isBusy) return;
    this.isBusy = true;
    this.asked++;
    try {
      const moment = await this.ask(path, body);
      const index = this.indexOf(moment);
      if (index >= 0) this.queue[index].decision = moment.decision;
      this.decisions = moment.decisions;
      this.list();
      await then(moment);
    } catch (error) {
      this.warn(error.message);
    } finally {
      this.isBusy = false;
    }
  }

  indexOf(moment) {
    return this.queue.findIndex((one) => one.frame === moment.frame && one.person === moment.person && one.joint === moment.joint);
  }

  step(by) {
    if (this.current < 0) return Promise.resolve();
    return this.show(Math.min(Math.max(this.current + by, 0), this.queue.length - 1));
  }

  zoom() {
    const isWhole = element("zoom").getAttribute("aria-pressed") !== "true";
    element("zoom").setAttribute("aria-pressed", isWhole);
    this.views.forEach((view) => { view.isWhole = isWhole; });
    if (this.moment) this.draw({ ...this.moment, dragged: { ...this.moment.dragged, ...this.dragged } }, false);
  }

  theme() {
    const root = document.documentElement;
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
  }
}

const review = new Review(JSON.parse(element("data").textContent));
review.start().then(() => { document.documentElement.dataset.ready = "true"; });
