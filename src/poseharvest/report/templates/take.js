"use strict";
/* All frames of the harvest: one piece inside the page, or pieces beside it that are loaded when they are needed. */

const MAX_LOADED = 4;

class Take {
  constructor(data, inside) {
    this.data = data;
    this.loaded = new Map();
    this.waiting = new Map();
    this.starts = [];
    this.count = 0;
    for (const piece of data.pieces) {
      this.starts.push(this.count);
      this.count += piece.moments;
    }
    if (inside) this.receive(0, inside);
  }

  receive(number, piece) {
    this.loaded.set(number, new Motion(piece, this.data.joints.length, this.data.views.length, this.data.angles.length));
    for (const old of this.loaded.keys()) {
      if (this.loaded.size <= MAX_LOADED) break;
      if (old !== number) this.loaded.delete(old);
    }
    const calls = this.waiting.get(number) || [];
    this.waiting.delete(number);
    calls.forEach((call) => call(this.loaded.get(number)));
  }

  /* Calls with the motion of a piece, at once if it is there. A page on a disk may load scripts, and nothing else. */
  withPiece(number, call, onFailure = () => {}) {
    if (this.loaded.has(number)) return call(this.loaded.get(number));
    if (this.waiting.has(number)) return this.waiting.get(number).push(call);
    this.waiting.set(number, [call]);
    const script = document.createElement("script");
    script.src = `${encodeURIComponent(this.data.beside)}/piece-${String(number).padStart(5, "0")}.js`;
    script.onerror = () => {
      this.waiting.delete(number);
      onFailure();
    };
    script.onload = () => script.remove();
    document.head.append(script);
  }

  pieceOf(index) {
    let number = 0;
    while (number + 1 < this.starts.length && this.starts[number + 1] <= index) number++;
    return number;
  }

  /* Calls with the index of the moment nearest to a frame number. */
  withIndexOf(frame, call, onFailure) {
    const { pieces } = this.data;
    let number = 0;
    while (number + 1 < pieces.length && pieces[number + 1].first_frame <= frame) number++;
    this.withPiece(number, (motion) => call(this.starts[number] + motion.momentOf(frame)), onFailure);
  }
}
