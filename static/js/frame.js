// One frame's stored values, and how they become visible (PS3.3 C.11): real values, not an 8-bit preview.
(() => {
  "use strict";
  const TYPES = { uint8: Uint8Array, uint16: Uint16Array, int16: Int16Array };
  const WHITE = 255;

  class Frame {
    constructor(facts, values) {
      this.facts = facts;
      this.gray = facts.samples === 1;
      this.levels = [{ columns: facts.columns, rows: facts.rows, values }];
      [this.low, this.high] = extremes(values);
    }

    // What the server sends: the length of the facts, the facts as JSON, then the values themselves.
    static async load(url, { signal, onProgress } = {}) {
      const response = await fetch(url, { signal, credentials: "same-origin" });
      if (!response.ok || response.redirected) throw new Error(String(response.status));
      const buffer = await readAll(response, onProgress);
      const length = new DataView(buffer).getUint32(0, true);
      const facts = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
      return new Frame(facts, new TYPES[facts.type](buffer, 4 + length));
    }

    // A level holds means of 2^k by 2^k values: shrinking comes before windowing, so that nothing flickers.
    level(k) {
      while (this.levels.length <= k) this.levels.push(halved(this.levels.at(-1), this.facts.samples));
      return this.levels[k];
    }

    deepestLevel() {
      return Math.max(0, Math.floor(Math.log2(Math.min(this.facts.columns, this.facts.rows) / 16)));
    }

    modality(value) {
      return this.gray ? value * this.facts.slope + this.facts.intercept : value;
    }

    valueAt(x, y) {
      const { columns, rows, samples } = this.facts;
      const [column, row] = [Math.floor(x), Math.floor(y)];
      if (column < 0 || row < 0 || column >= columns || row >= rows) return null;
      const at = (row * columns + column) * samples;
      const stored = [...this.levels[0].values.subarray(at, at + samples)];
      return this.gray ? [this.modality(stored[0])] : stored;
    }

    fullRange() {
      const ends = [this.modality(this.low), this.modality(this.high)].sort((a, b) => a - b);
      return { center: (ends[0] + ends[1]) / 2, width: Math.max(ends[1] - ends[0], 1e-6), function: "LINEAR_EXACT" };
    }

    // One entry a stored value, from the lowest that occurs.
    table(shown, inverted) {
      const [low, high] = this.gray ? [this.low, this.high] : [0, WHITE];
      const level = shown.table ? throughTable(shown.table) : throughWindow(shown);
      const turned = inverted !== this.facts.inverted;
      const table = new Uint8ClampedArray(high - low + 1);
      for (let value = low; value <= high; value += 1) {
        const seen = WHITE * level(this.modality(value));
        table[value - low] = turned ? WHITE - seen : seen;
      }
      return table;
    }

    // Fill `data` (RGBA) with a rectangle of a level, seen through a table.
    fill(data, table, k, box) {
      const { columns, values } = this.level(k);
      if (!this.gray) return fillColor(data, table, columns, values, box);
      const packed = Uint32Array.from(table, (v) => ((WHITE << 24) | (v << 16) | (v << 8) | v) >>> 0);
      const to = new Uint32Array(data.buffer);
      const low = this.low;
      let at = 0;
      for (let row = box.top; row < box.bottom; row += 1) {
        const end = row * columns + box.right;
        for (let from = row * columns + box.left; from < end; from += 1) to[at++] = packed[values[from] - low];
      }
    }
  }

  function fillColor(data, table, columns, values, box) {
    let at = 0;
    for (let row = box.top; row < box.bottom; row += 1) {
      const end = 3 * (row * columns + box.right);
      for (let from = 3 * (row * columns + box.left); from < end; from += 3) {
        data[at++] = table[values[from]];
        data[at++] = table[values[from + 1]];
        data[at++] = table[values[from + 2]];
        data[at++] = WHITE;
      }
    }
  }

  // PS3.3 C.11.2.1.2.1 and C.11.2.1.3; the results are cut to 0 and 1 by the table they go into.
  function throughWindow({ center, width, function: name }) {
    if (name === "SIGMOID") return (v) => 1 / (1 + Math.exp((-4 * (v - center)) / width));
    if (name === "LINEAR_EXACT") return (v) => (v - center) / width + 0.5;
    if (width <= 1) return (v) => (v > center - 0.5 ? 1 : 0);
    return (v) => (v - (center - 0.5)) / (width - 1) + 0.5;
  }

  // PS3.3 C.11.2.1.1: values beyond either end take the entry there.
  function throughTable({ first, bits, entries }) {
    const last = entries.length - 1;
    return (v) => entries[Math.min(last, Math.max(0, Math.round(v) - first))] / (2 ** bits - 1);
  }

  function extremes(values) {
    let [low, high] = [values[0], values[0]];
    for (let i = 1; i < values.length; i += 1) {
      if (values[i] < low) low = values[i];
      else if (values[i] > high) high = values[i];
    }
    return [low, high];
  }

  function halved({ columns, rows, values }, samples) {
    const half = { columns: (columns + 1) >> 1, rows: (rows + 1) >> 1 };
    half.values = new values.constructor(half.columns * half.rows * samples);
    let at = 0;
    for (let row = 0; row < half.rows; row += 1) {
      const upper = 2 * row * columns;
      const lower = Math.min(2 * row + 1, rows - 1) * columns;
      for (let column = 0; column < half.columns; column += 1) {
        const left = 2 * column;
        const right = Math.min(left + 1, columns - 1);
        for (let s = 0; s < samples; s += 1) {
          const sum = values[(upper + left) * samples + s] + values[(upper + right) * samples + s]
            + values[(lower + left) * samples + s] + values[(lower + right) * samples + s];
          half.values[at++] = (sum + 2) >> 2;
        }
      }
    }
    return half;
  }

  async function readAll(response, onProgress) {
    const total = Number(response.headers.get("Content-Length"));
    if (!onProgress || !total || response.headers.get("Content-Encoding")) return response.arrayBuffer();
    const whole = new Uint8Array(total);
    const reader = response.body.getReader();
    let read = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return whole.buffer;
      whole.set(value, read);
      read += value.length;
      onProgress(read / total);
    }
  }

  window.medimaging.Frame = Frame;
})();
