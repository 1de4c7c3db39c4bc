// What is drawn upon an image: lengths, which are measured and not kept, and boxes, which belong to a finding.
(() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const LEAST_SIDE = 2;

  class Marks {
    // `boxes` returns the boxes to show: { left, top, width, height, label, chosen } in pixels of the image.
    constructor(viewer, { boxes = () => [] } = {}) {
      Object.assign(this, { viewer, boxes, lengths: [], draft: null });
      this.svg = viewer.stage.querySelector("[data-marks]");
      viewer.listeners.push(() => this.paint());
    }

    clear() {
      Object.assign(this, { lengths: [], draft: null });
      this.viewer.draw();
    }

    undo() {
      this.draft = null;
      this.lengths.pop();
      this.viewer.draw();
    }

    begin(kind, point) {
      this.draft = { kind, from: point, to: point, frame: this.viewer.index };
      this.viewer.draw();
    }

    extend(point) {
      if (!this.draft) return;
      this.draft.to = point;
      this.viewer.draw();
    }

    // Return the box that was drawn, or null; a length is kept here.
    end() {
      const { draft } = this;
      this.draft = null;
      this.viewer.draw();
      if (!draft || Math.hypot(draft.to.x - draft.from.x, draft.to.y - draft.from.y) < LEAST_SIDE) return null;
      if (draft.kind === "length") {
        this.lengths.push(draft);
        return null;
      }
      return this.boxOf(draft);
    }

    boxOf({ from, to, frame }) {
      const { columns, rows } = this.viewer.frame.facts;
      const cut = (value, most) => Math.min(most, Math.max(0, Math.round(value)));
      const [left, right] = [cut(Math.min(from.x, to.x), columns), cut(Math.max(from.x, to.x), columns)];
      const [top, bottom] = [cut(Math.min(from.y, to.y), rows), cut(Math.max(from.y, to.y), rows)];
      if (right - left < LEAST_SIDE || bottom - top < LEAST_SIDE) return null;
      return { left, top, width: right - left, height: bottom - top, frame };
    }

    // Millimeters where the file knows its spacing, and from where it knows it; else pixels.
    lengthWords({ from, to }) {
      const { spacing, spacing_source: source } = this.viewer.frame.facts;
      const { words } = this.viewer;
      const [dx, dy] = [to.x - from.x, to.y - from.y];
      if (!spacing) return `${Math.round(Math.hypot(dx, dy))} ${words.wordsPixels}`;
      const millimeters = Math.hypot(dx * spacing[1], dy * spacing[0]);
      const digits = millimeters < 100 ? 1 : 0;
      return `${millimeters.toFixed(digits)} mm ${words[`words${source}`] || ""}`.trim();
    }

    paint() {
      const { viewer } = this;
      const matrix = viewer.matrix();
      const at = (point) => matrix.transformPoint(point);
      const parts = [];
      for (const box of this.boxes()) parts.push(...boxShape(box, at));
      if (this.draft?.kind === "box") {
        const box = this.boxOf(this.draft);
        if (box) parts.push(...boxShape({ ...box, chosen: true, label: "" }, at));
      }
      const lengths = this.draft?.kind === "length" ? [...this.lengths, this.draft] : this.lengths;
      for (const length of lengths.filter((one) => one.frame === viewer.index)) {
        parts.push(...lengthShape(at(length.from), at(length.to), this.lengthWords(length)));
      }
      this.svg.replaceChildren(...parts);
    }
  }

  function shape(name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function boxShape(box, at) {
    const [a, b] = [at({ x: box.left, y: box.top }), at({ x: box.left + box.width, y: box.top + box.height })];
    const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
    const size = { width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) };
    const kind = box.chosen ? "box chosen" : "box";
    return [
      shape("rect", { x, y, ...size, class: kind }),
      shape("text", { x: x + 3, y: y > 18 ? y - 5 : y + 15, class: kind }, box.label),
    ];
  }

  function lengthShape(a, b, words) {
    const right = Math.max(a.x, b.x);
    return [
      shape("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y, class: "length" }),
      ...[a, b].map((end) => shape("circle", { cx: end.x, cy: end.y, r: 4, class: "length" })),
      shape("text", { x: right + 8, y: (right === a.x ? a : b).y + 4, class: "length" }, words),
    ];
  }

  window.medimaging.Marks = Marks;
})();
