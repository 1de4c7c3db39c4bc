// What mouse, pen and fingers do on a viewer. Whatever is dragged can also be done by two clicks or by a button.
(() => {
  "use strict";
  const CLICK_MOVES = 4;

  class Pointer {
    constructor(viewer, marks, { onBox = () => {}, onFrame = () => {} } = {}) {
      Object.assign(this, { viewer, marks, onBox, onFrame, down: new Map(), frameRest: 0 });
      const { stage } = viewer;
      stage.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
      stage.addEventListener("pointerdown", (event) => this.onDown(event));
      stage.addEventListener("pointermove", (event) => this.onMove(event));
      stage.addEventListener("pointerup", (event) => this.onUp(event));
      stage.addEventListener("pointercancel", (event) => this.down.delete(event.pointerId));
      stage.addEventListener("pointerleave", () => this.showLens(null));
      stage.addEventListener("contextmenu", (event) => event.preventDefault());
      stage.addEventListener("dblclick", () => { if (!this.draws()) viewer.fit(); });
    }

    draws() {
      return ["length", "box"].includes(this.viewer.tool);
    }

    place(event) {
      const box = this.viewer.stage.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    }

    fromCenter({ x, y }) {
      return { x: x - this.viewer.stage.clientWidth / 2, y: y - this.viewer.stage.clientHeight / 2 };
    }

    onWheel(event) {
      const { viewer } = this;
      if (!viewer.frame) return;
      event.preventDefault();
      if (viewer.count > 1 && !event.ctrlKey && !event.shiftKey) {
        this.frameRest += event.deltaY * (event.deltaMode ? 33 : 1);
        const steps = Math.trunc(this.frameRest / 50);
        this.frameRest -= 50 * steps;
        if (steps) this.onFrame(steps);
        return;
      }
      const { x, y } = this.fromCenter(this.place(event));
      viewer.zoomBy(Math.exp(-(event.deltaY || event.deltaX) * (event.deltaMode ? 0.05 : 0.0015)), x, y);
    }

    onDown(event) {
      const { viewer, marks } = this;
      if (!viewer.frame) return;
      viewer.stage.setPointerCapture(event.pointerId);
      const place = this.place(event);
      this.down.set(event.pointerId, {
        start: place, last: place, moved: 0, button: event.button, shift: event.shiftKey,
        width: viewer.shown.width, center: viewer.shown.center,
      });
      if (this.down.size === 1 && this.draws() && event.button === 0) {
        const point = viewer.toImage(place.x, place.y);
        if (marks.draft) marks.extend(point);
        else marks.begin(viewer.tool, point);
      }
    }

    onMove(event) {
      const now = this.place(event);
      const press = this.down.get(event.pointerId);
      this.showLens(now);
      this.probe(now);
      if (!press) {
        if (this.marks.draft) this.marks.extend(this.viewer.toImage(now.x, now.y));
        return;
      }
      press.moved = Math.max(press.moved, Math.hypot(now.x - press.start.x, now.y - press.start.y));
      if (this.down.size === 2) this.pinch(event.pointerId, press.last, now);
      else this.drag(event, press, now);
      press.last = now;
    }

    onUp(event) {
      const press = this.down.get(event.pointerId);
      this.down.delete(event.pointerId);
      const { draft } = this.marks;
      if (!press || !draft || press.button !== 0) return;
      // A click without a drag begins a mark; the next click ends it.
      if (press.moved < CLICK_MOVES && !draft.begun) {
        draft.begun = true;
        return;
      }
      const box = this.marks.end();
      if (box) this.onBox(box);
    }

    drag(event, press, now) {
      const { viewer } = this;
      const [dx, dy] = [now.x - press.last.x, now.y - press.last.y];
      const touch = event.pointerType === "touch";
      if (this.draws() && press.button === 0) {
        this.marks.extend(viewer.toImage(now.x, now.y));
      } else if (viewer.tool === "pan" || press.button > 0 || press.shift || (touch && viewer.tool === "window")) {
        viewer.moveBy(dx, dy);
      } else if (viewer.tool === "zoom") {
        const { x, y } = this.fromCenter(press.start);
        viewer.zoomBy(Math.exp(-dy * 0.008), x, y);
      } else {
        // The narrower the window, the finer the step: a drag across 255 points doubles the width.
        const step = press.width / 255;
        viewer.setWindow(press.center + ((now.y - press.start.y) * step) / 2, press.width + (now.x - press.start.x) * step);
      }
    }

    pinch(movedId, last, now) {
      const [other] = [...this.down].filter(([id]) => id !== movedId).map(([, press]) => press.last);
      const before = Math.hypot(last.x - other.x, last.y - other.y) || 1;
      const after = Math.hypot(now.x - other.x, now.y - other.y) || 1;
      this.viewer.moveBy((now.x - last.x) / 2, (now.y - last.y) / 2);
      const middle = this.fromCenter({ x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
      this.viewer.zoomBy(after / before, middle.x, middle.y);
      this.marks.draft = null;
    }

    showLens(place) {
      const { viewer } = this;
      const lens = viewer.magnifies ? place : null;
      if (!lens && !viewer.lens) return;
      viewer.lens = lens;
      viewer.draw();
    }

    probe(place) {
      const { viewer } = this;
      const output = viewer.element.querySelector("[data-probe]");
      if (!output || !viewer.frame) return;
      const { x, y } = viewer.toImage(place.x, place.y);
      const found = viewer.frame.valueAt(x, y);
      const unit = viewer.frame.facts.hounsfield ? " HU" : "";
      output.textContent = found ? `${Math.floor(x)}, ${Math.floor(y)}: ${found.map((value) => Math.round(value * 100) / 100).join(" ")}${unit}` : "";
    }
  }

  window.medimaging.Pointer = Pointer;
})();
