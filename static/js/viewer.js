// A small image viewer on canvas: window and level, zoom to the cursor, pan, invert, turn, mirror, overlay.
(() => {
  "use strict";
  const FULL_RANGE = 255;

  class Viewer {
    constructor(element) {
      this.element = element;
      this.stage = element.querySelector("[data-stage]");
      this.source = this.stage.querySelector("img");
      this.canvas = document.createElement("canvas");
      this.canvas.tabIndex = 0;
      this.canvas.setAttribute("role", "img");
      this.canvas.setAttribute("aria-label", this.source.alt);
      this.readout = element.querySelector("[data-readout]");
      this.windowed = document.createElement("canvas");
      this.overlay = null;
      this.overlayShown = false;
      this.opacity = 0.45;
      this.tool = "window";
      this.pointers = new Map();
      this.resetState();
      this.listen();
      this.source.addEventListener("load", () => this.take());
      if (this.source.complete && this.source.naturalWidth) this.take();
    }

    resetState() {
      Object.assign(this, {
        zoom: 1, panX: 0, panY: 0, turns: 0, mirrorX: false, mirrorY: false,
        inverted: false, center: FULL_RANGE / 2, width: FULL_RANGE,
      });
      this.windowChanged = true;
    }

    // --- Image -------------------------------------------------------------------------------

    show(url, alt) {
      this.canvas.setAttribute("aria-label", alt);
      this.source.alt = alt;
      this.setOverlay(null);
      this.resetState();
      this.source.src = url;
    }

    take() {
      const { naturalWidth: columns, naturalHeight: rows } = this.source;
      this.windowed.width = columns;
      this.windowed.height = rows;
      const context = this.windowed.getContext("2d", { willReadFrequently: true });
      context.drawImage(this.source, 0, 0);
      this.pixels = context.getImageData(0, 0, columns, rows);
      this.gray = isGray(new Uint32Array(this.pixels.data.buffer));
      if (!this.canvas.isConnected) this.stage.append(this.canvas);
      this.source.hidden = true;
      this.windowChanged = true;
      this.element.dataset.ready = "true";
      this.draw();
    }

    applyWindow() {
      const table = windowTable(this.center, this.width, this.inverted);
      const shown = new ImageData(this.pixels.width, this.pixels.height);
      if (this.gray) {
        const from = new Uint32Array(this.pixels.data.buffer);
        const to = new Uint32Array(shown.data.buffer);
        const packed = Uint32Array.from(table, (v) => (0xff000000 | (v << 16) | (v << 8) | v) >>> 0);
        for (let i = 0; i < from.length; i += 1) to[i] = packed[from[i] & 0xff];
      } else {
        const from = this.pixels.data;
        for (let i = 0; i < from.length; i += 4) {
          shown.data[i] = table[from[i]];
          shown.data[i + 1] = table[from[i + 1]];
          shown.data[i + 2] = table[from[i + 2]];
          shown.data[i + 3] = 255;
        }
      }
      this.windowed.getContext("2d").putImageData(shown, 0, 0);
      this.windowChanged = false;
    }

    // --- Drawing -----------------------------------------------------------------------------

    draw() {
      if (this.waiting || !this.pixels) return;
      this.waiting = true;
      requestAnimationFrame(() => {
        this.waiting = false;
        this.paint();
      });
    }

    paint() {
      if (this.windowChanged) this.applyWindow();
      const ratio = window.devicePixelRatio || 1;
      const { clientWidth: width, clientHeight: height } = this.stage;
      if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
        this.canvas.width = Math.round(width * ratio);
        this.canvas.height = Math.round(height * ratio);
      }
      const context = this.canvas.getContext("2d");
      const scale = this.scale();
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      context.translate(width / 2 + this.panX, height / 2 + this.panY);
      context.rotate((this.turns * Math.PI) / 2);
      context.scale(this.mirrorX ? -scale : scale, this.mirrorY ? -scale : scale);
      context.imageSmoothingEnabled = scale < 4;
      context.imageSmoothingQuality = "high";
      const { width: columns, height: rows } = this.pixels;
      context.drawImage(this.windowed, -columns / 2, -rows / 2);
      if (this.overlay && this.overlayShown) {
        context.globalAlpha = this.opacity;
        context.imageSmoothingEnabled = true;
        context.drawImage(this.overlay, -columns / 2, -rows / 2, columns, rows);
        context.globalAlpha = 1;
      }
      this.describe(scale);
    }

    describe(scale) {
      if (!this.readout) return;
      const parts = [`${Math.round(scale * 100)} %`, `W ${Math.round(this.width)} L ${Math.round(this.center)}`];
      if (this.turns) parts.push(`${this.turns * 90}°`);
      if (this.mirrorX || this.mirrorY) parts.push(this.readout.dataset.mirrored);
      if (this.inverted) parts.push(this.readout.dataset.inverted);
      this.readout.textContent = parts.join(" · ");
    }

    scale() {
      const turned = this.turns % 2 === 1;
      const columns = turned ? this.pixels.height : this.pixels.width;
      const rows = turned ? this.pixels.width : this.pixels.height;
      return this.zoom * Math.min(this.stage.clientWidth / columns, this.stage.clientHeight / rows);
    }

    // --- What the buttons and keys do --------------------------------------------------------

    zoomBy(factor, x = 0, y = 0) {
      const zoom = Math.min(40, Math.max(0.2, this.zoom * factor));
      const applied = zoom / this.zoom;
      this.panX = x - (x - this.panX) * applied;
      this.panY = y - (y - this.panY) * applied;
      this.zoom = zoom;
      this.draw();
    }

    fit() {
      this.zoom = 1;
      this.panX = 0;
      this.panY = 0;
      this.draw();
    }

    turn(quarters) {
      this.turns = (this.turns + quarters + 4) % 4;
      this.draw();
    }

    mirror(axis) {
      const turned = this.turns % 2 === 1;
      if ((axis === "x") !== turned) this.mirrorX = !this.mirrorX;
      else this.mirrorY = !this.mirrorY;
      this.draw();
    }

    invert() {
      this.inverted = !this.inverted;
      this.windowChanged = true;
      this.draw();
    }

    reset() {
      this.resetState();
      this.draw();
    }

    setWindow(center, width) {
      this.center = Math.min(FULL_RANGE, Math.max(0, center));
      this.width = Math.min(2 * FULL_RANGE, Math.max(1, width));
      this.windowChanged = true;
      this.draw();
    }

    setTool(tool) {
      this.tool = tool;
      this.stage.dataset.tool = tool;
    }

    setOverlay(url) {
      this.overlayUrl = url;
      this.overlay = null;
      if (url && this.overlayShown) this.loadOverlay();
      else this.draw();
    }

    loadOverlay() {
      const image = new Image();
      const url = this.overlayUrl;
      image.addEventListener("load", () => {
        if (url !== this.overlayUrl) return;
        this.overlay = image;
        this.element.dataset.overlay = "shown";
        this.draw();
      });
      image.src = url;
    }

    showOverlay(shown) {
      this.overlayShown = shown;
      if (shown && this.overlayUrl && !this.overlay) this.loadOverlay();
      this.element.dataset.overlay = shown && this.overlay ? "shown" : "hidden";
      this.draw();
    }

    setOpacity(opacity) {
      this.opacity = Math.min(1, Math.max(0, opacity));
      this.draw();
      return this.opacity;
    }

    // --- Pointer -----------------------------------------------------------------------------

    listen() {
      new ResizeObserver(() => this.draw()).observe(this.stage);
      this.stage.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
      this.stage.addEventListener("pointerdown", (event) => this.onDown(event));
      this.stage.addEventListener("pointermove", (event) => this.onMove(event));
      for (const name of ["pointerup", "pointercancel"]) {
        this.stage.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
      }
      this.stage.addEventListener("contextmenu", (event) => event.preventDefault());
      this.stage.addEventListener("dblclick", () => this.fit());
    }

    fromCenter(event) {
      const box = this.stage.getBoundingClientRect();
      return { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
    }

    onWheel(event) {
      if (!this.pixels) return;
      event.preventDefault();
      const { x, y } = this.fromCenter(event);
      this.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), x, y);
    }

    onDown(event) {
      if (!this.pixels) return;
      this.stage.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, { ...this.fromCenter(event), button: event.button, shift: event.shiftKey });
    }

    onMove(event) {
      const last = this.pointers.get(event.pointerId);
      if (!last) return;
      const now = this.fromCenter(event);
      const [dx, dy] = [now.x - last.x, now.y - last.y];
      if (this.pointers.size === 2) this.pinch(event.pointerId, last, now);
      else this.drag(event, last, dx, dy);
      Object.assign(last, now);
    }

    drag(event, last, dx, dy) {
      const pans = this.tool === "pan" || last.button > 0 || last.shift || event.pointerType === "touch";
      if (pans) {
        this.panX += dx;
        this.panY += dy;
        this.draw();
      } else if (this.tool === "zoom") {
        this.zoomBy(Math.exp(-dy * 0.008), last.x, last.y);
      } else {
        this.setWindow(this.center + dy * 0.5, this.width + dx);
      }
    }

    pinch(movedId, last, now) {
      const [other] = [...this.pointers].filter(([id]) => id !== movedId).map(([, point]) => point);
      const before = Math.hypot(last.x - other.x, last.y - other.y) || 1;
      const after = Math.hypot(now.x - other.x, now.y - other.y) || 1;
      this.panX += (now.x - last.x) / 2;
      this.panY += (now.y - last.y) / 2;
      this.zoomBy(after / before, (now.x + other.x) / 2, (now.y + other.y) / 2);
    }
  }

  // VOI LUT function LINEAR of PS3.3 C.11.2.1.2.1, on the 8-bit image the server rendered.
  function windowTable(center, width, inverted) {
    const table = new Uint8ClampedArray(256);
    for (let value = 0; value < 256; value += 1) {
      const shown = ((value - center) / Math.max(1, width) + 0.5) * FULL_RANGE;
      table[value] = inverted ? FULL_RANGE - shown : shown;
    }
    return table;
  }

  function isGray(pixels) {
    const step = Math.max(1, Math.floor(pixels.length / 5000));
    for (let i = 0; i < pixels.length; i += step) {
      const red = pixels[i] & 0xff;
      if (((pixels[i] >> 8) & 0xff) !== red || ((pixels[i] >> 16) & 0xff) !== red) return false;
    }
    return true;
  }

  window.medimaging.Viewer = Viewer;
})();
