// The image viewer: draws a frame's real values through a window, turned, mirrored and zoomed, on a plain canvas.
(() => {
  "use strict";
  const [LEAST_ZOOM, MOST_ZOOM] = [0.2, 60];
  const [LENS_RADIUS, LENS_POWER] = [110, 2.5];
  const KEPT_BYTES = 192 * 2 ** 20;

  class Viewer {
    constructor(element, words) {
      Object.assign(this, { element, words, frames: new Map(), opacity: 0.45, tool: "window", listeners: [] });
      this.stage = element.querySelector("[data-stage]");
      this.notice = element.querySelector("[data-stage-notice]");
      this.readout = element.querySelector("[data-readout]");
      this.canvas = document.createElement("canvas");
      this.canvas.tabIndex = 0;
      this.canvas.setAttribute("role", "img");
      this.stage.prepend(this.canvas);
      this.scratch = { main: document.createElement("canvas"), lens: document.createElement("canvas") };
      this.overlay = null;
      this.overlayShown = false;
      this.resetPlace();
      new ResizeObserver(() => this.draw()).observe(this.stage);
    }

    resetPlace() {
      Object.assign(this, { zoom: 1, panX: 0, panY: 0, turns: 0, mirrorX: false, mirrorY: false, inverted: false });
    }

    // --- Frames ------------------------------------------------------------------------------

    async open({ base, index = 0, count = 1, analyzed = null, alt }) {
      Object.assign(this, { base, count, analyzed, frame: null, frames: new Map() });
      this.canvas.setAttribute("aria-label", alt);
      this.setOverlay(null);
      this.resetPlace();
      delete this.element.dataset.ready;
      await this.showFrame(index);
    }

    async showFrame(index) {
      const [base, wanted] = [this.base, Math.min(this.count - 1, Math.max(0, index))];
      this.wanted = wanted;
      try {
        const frame = await this.fetchFrame(wanted);
        if (base !== this.base || wanted !== this.wanted) return;
        const first = !this.frame;
        Object.assign(this, { frame, index: wanted });
        if (first) this.usePreset(0);
        this.tableChanged = true;
        this.say("");
        this.element.dataset.ready = "true";
        this.element.dataset.frame = String(wanted);
        this.draw();
        for (const near of [wanted + 1, wanted - 1]) if (near >= 0 && near < this.count) this.fetchFrame(near).catch(() => {});
      } catch (error) {
        if (base === this.base && wanted === this.wanted) this.say(this.words.wordsNotLoaded);
      }
    }

    fetchFrame(index) {
      if (this.frames.has(index)) return this.frames.get(index);
      const onProgress = (share) => {
        if (!this.frame && share < 1) this.say(`${this.words.wordsLoading} ${Math.round(100 * share)} %`);
      };
      const coming = medimaging.Frame.load(`${this.base}${index}/values`, { onProgress });
      this.frames.set(index, coming);
      coming.catch(() => this.frames.delete(index));
      const most = this.frame ? Math.max(3, Math.floor(KEPT_BYTES / this.frame.levels[0].values.byteLength)) : 3;
      while (this.frames.size > most) this.frames.delete(this.frames.keys().next().value);
      return coming;
    }

    say(text) {
      this.notice.hidden = !text;
      this.notice.textContent = text;
    }

    // --- Windows -----------------------------------------------------------------------------

    presets() {
      const { facts } = this.frame;
      const { words } = this;
      const list = [];
      if (facts.table) list.push({ name: words.wordsFileTable, shown: { table: facts.table, ...facts.window } });
      facts.windows.forEach((shown, i) => list.push({ name: i ? `${words.wordsFileWindow} ${i + 1}` : words.wordsFileWindow, shown }));
      if (!facts.windows.length) list.push({ name: facts.bits > 8 ? words.wordsFitted : words.wordsAsStored, shown: facts.window });
      list.push({ name: words.wordsFullRange, shown: this.frame.fullRange() });
      if (facts.hounsfield) {
        for (const [name, center, width] of JSON.parse(words.hounsfield)) list.push({ name, shown: { center, width, function: "LINEAR" } });
      }
      return list;
    }

    usePreset(number) {
      const list = this.presets();
      this.preset = ((number % list.length) + list.length) % list.length;
      this.shown = list[this.preset].shown;
      this.tableChanged = true;
      this.draw();
    }

    setWindow(center, width) {
      this.preset = -1;
      const name = this.shown.function === "SIGMOID" ? "SIGMOID" : "LINEAR_EXACT";
      this.shown = { center, width: Math.max(width, 1e-3), function: name };
      this.tableChanged = true;
      this.draw();
    }

    invert() {
      this.inverted = !this.inverted;
      this.tableChanged = true;
      this.draw();
    }

    // --- Geometry ----------------------------------------------------------------------------

    aspect() {
      const { spacing } = this.frame.facts;
      return spacing && Math.abs(spacing[0] / spacing[1] - 1) > 1e-3 ? spacing[0] / spacing[1] : 1;
    }

    scale() {
      const { columns, rows } = this.frame.facts;
      const sides = [columns, rows * this.aspect()];
      if (this.turns % 2) sides.reverse();
      return this.zoom * Math.min(this.stage.clientWidth / sides[0], this.stage.clientHeight / sides[1]);
    }

    // From image to stage, in CSS pixels.
    matrix() {
      const { columns, rows } = this.frame.facts;
      const scale = this.scale();
      return new DOMMatrix()
        .translate(this.stage.clientWidth / 2 + this.panX, this.stage.clientHeight / 2 + this.panY)
        .rotate(90 * this.turns)
        .scale(this.mirrorX ? -scale : scale, (this.mirrorY ? -scale : scale) * this.aspect())
        .translate(-columns / 2, -rows / 2);
    }

    toImage(x, y) {
      return this.matrix().inverse().transformPoint({ x, y });
    }

    // --- Drawing -----------------------------------------------------------------------------

    draw() {
      if (this.waiting || !this.frame) return;
      this.waiting = true;
      requestAnimationFrame(() => {
        this.waiting = false;
        if (this.frame && this.stage.clientWidth) this.paint();
      });
    }

    paint() {
      if (this.tableChanged) this.lut = this.frame.table(this.shown, this.inverted);
      const ratio = window.devicePixelRatio || 1;
      const [width, height] = [this.stage.clientWidth, this.stage.clientHeight].map((side) => Math.round(side * ratio));
      if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
      const context = this.canvas.getContext("2d");
      context.resetTransform();
      context.clearRect(0, 0, width, height);
      const matrix = new DOMMatrix().scale(ratio).multiply(this.matrix());
      this.paintFrame(context, matrix, { x: 0, y: 0, width, height }, this.scratch.main);
      if (this.lens) this.paintLens(context, matrix, ratio);
      this.tableChanged = false;
      context.resetTransform();
      this.describe();
      for (const listener of this.listeners) listener(this);
    }

    paintLens(context, matrix, ratio) {
      const { x, y } = this.lens;
      const [cx, cy, radius] = [x * ratio, y * ratio, LENS_RADIUS * ratio];
      context.save();
      context.resetTransform();
      context.beginPath();
      context.arc(cx, cy, radius, 0, 2 * Math.PI);
      context.fillStyle = "#000";
      context.fill();
      context.clip();
      const larger = new DOMMatrix().translate(cx, cy).scale(LENS_POWER).translate(-cx, -cy).multiply(matrix);
      const view = { x: cx - radius, y: cy - radius, width: 2 * radius, height: 2 * radius };
      this.paintFrame(context, larger, view, this.scratch.lens);
      context.restore();
      context.resetTransform();
      context.lineWidth = 2 * ratio;
      context.strokeStyle = "#ffd166";
      context.stroke();
    }

    // Only what is seen is windowed, from the level whose pixels come nearest to those of the screen.
    paintFrame(context, matrix, view, scratch) {
      const { frame } = this;
      const { columns, rows } = frame.facts;
      const perPixel = Math.hypot(matrix.a, matrix.b);
      const k = Math.min(frame.deepestLevel(), Math.max(0, Math.floor(Math.log2(1 / perPixel))));
      const size = 2 ** k;
      const level = frame.level(k);
      const box = seenBox(matrix, view, size, level);
      const [width, height] = [box.right - box.left, box.bottom - box.top];
      if (!(width > 0 && height > 0)) return;
      const key = [this.base, this.index, k, box.left, box.top, width, height].join();
      if (this.tableChanged || scratch.key !== key) {
        Object.assign(scratch, { width, height, key });
        const data = new ImageData(width, height);
        frame.fill(data.data, this.lut, k, box);
        scratch.getContext("2d").putImageData(data, 0, 0);
      }
      context.setTransform(matrix);
      context.imageSmoothingEnabled = perPixel < 4;
      context.drawImage(scratch, box.left * size, box.top * size, width * size, height * size);
      if (!this.overlayIsSeen()) return;
      context.globalAlpha = this.opacity;
      context.imageSmoothingEnabled = true;
      context.drawImage(this.overlay, 0, 0, columns, rows);
      context.globalAlpha = 1;
    }

    describe() {
      const parts = [`${Math.round(this.scale() * 100)} %`, this.windowWords()];
      if (this.turns) parts.push(`${this.turns * 90}°`);
      if (this.mirrorX || this.mirrorY) parts.push(this.words.wordsMirrored);
      if (this.inverted) parts.push(this.words.wordsInverted);
      const text = parts.join(" · ");
      if (this.readout.textContent !== text) this.readout.textContent = text;
    }

    windowWords() {
      if (this.shown.table) return this.words.wordsFileTable;
      const { center, width } = this.shown;
      const shown = (value) => (width < 20 ? value.toFixed(1) : String(Math.round(value)));
      return `W ${shown(width)} L ${shown(center)}`;
    }

    // --- What the buttons and keys do --------------------------------------------------------

    zoomBy(factor, x = 0, y = 0) {
      if (!this.frame) return;
      const zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, this.zoom * factor));
      const applied = zoom / this.zoom;
      this.panX = x - (x - this.panX) * applied;
      this.panY = y - (y - this.panY) * applied;
      this.zoom = zoom;
      this.draw();
    }

    moveBy(dx, dy) {
      this.panX += dx;
      this.panY += dy;
      this.draw();
    }

    fit() {
      Object.assign(this, { zoom: 1, panX: 0, panY: 0 });
      this.draw();
    }

    turn(quarters) {
      this.turns = (this.turns + quarters + 4) % 4;
      this.draw();
    }

    mirror(axis) {
      if ((axis === "x") !== (this.turns % 2 === 1)) this.mirrorX = !this.mirrorX;
      else this.mirrorY = !this.mirrorY;
      this.draw();
    }

    reset() {
      if (!this.frame) return;
      this.resetPlace();
      this.usePreset(0);
    }

    // Take over another viewer's place, as far as two images of different sizes can share one.
    follow(other) {
      const place = {
        zoom: other.zoom,
        panX: (other.panX * this.stage.clientWidth) / other.stage.clientWidth,
        panY: (other.panY * this.stage.clientHeight) / other.stage.clientHeight,
      };
      if (!this.frame || Object.keys(place).every((name) => Math.abs(this[name] - place[name]) < 1e-6)) return;
      Object.assign(this, place);
      this.draw();
    }

    // --- Overlay -----------------------------------------------------------------------------

    overlayIsSeen() {
      return Boolean(this.overlay && this.overlayShown && (this.analyzed === null || this.analyzed === this.index));
    }

    setOverlay(url) {
      this.overlayUrl = url;
      this.overlay = null;
      this.showOverlay(this.overlayShown);
    }

    showOverlay(shown) {
      this.overlayShown = shown;
      if (shown && this.overlayUrl && !this.overlay) this.loadOverlay(this.overlayUrl);
      this.element.dataset.overlay = this.overlayIsSeen() ? "shown" : "hidden";
      this.draw();
    }

    loadOverlay(url) {
      const image = new Image();
      image.addEventListener("load", () => {
        if (url !== this.overlayUrl) return;
        this.overlay = image;
        this.showOverlay(this.overlayShown);
      });
      image.src = url;
    }

    setOpacity(opacity) {
      this.opacity = Math.min(1, Math.max(0, opacity));
      this.draw();
      return this.opacity;
    }
  }

  // The part of a level that a view shows, with a margin for smoothing.
  function seenBox(matrix, view, size, level) {
    const inverse = matrix.inverse();
    const corners = [[0, 0], [1, 0], [0, 1], [1, 1]].map(([right, down]) =>
      inverse.transformPoint({ x: view.x + right * view.width, y: view.y + down * view.height }));
    const [xs, ys] = [corners.map((point) => point.x / size), corners.map((point) => point.y / size)];
    return {
      left: Math.max(0, Math.floor(Math.min(...xs)) - 1),
      top: Math.max(0, Math.floor(Math.min(...ys)) - 1),
      right: Math.min(level.columns, Math.ceil(Math.max(...xs)) + 1),
      bottom: Math.min(level.rows, Math.ceil(Math.max(...ys)) + 1),
    };
  }

  window.medimaging.Viewer = Viewer;
})();
