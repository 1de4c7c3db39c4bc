// The findings beside the image: which one is chosen, its verdict, and the boxes that say where it is seen.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  class Findings {
    // `onChange` is told whenever another finding is chosen or a box comes or goes.
    constructor({ instance, onChange, signedWord }) {
      Object.assign(this, { instance, onChange, signedWord, chosen: 0 });
      document.addEventListener("click", (event) => this.onClick(event));
      document.addEventListener("focusin", (event) => {
        const finding = event.target.closest(".verdict, .note")?.closest("[data-finding]");
        if (finding) this.mark(this.list().indexOf(finding));
      });
      document.addEventListener("htmx:afterSettle", () => this.mark(this.chosen));
    }

    list() {
      return all("[data-finding]");
    }

    current() {
      return this.list()[this.chosen];
    }

    mark(index) {
      this.chosen = Math.max(0, index);
      this.list().forEach((finding, at) => {
        finding.classList.toggle("chosen", at === this.chosen);
        this.listBoxes(finding);
      });
      this.onChange();
    }

    choose(index) {
      const finding = this.list()[index];
      if (!finding) return;
      this.mark(index);
      finding.scrollIntoView({ block: "nearest" });
    }

    decide(verdict) {
      this.current()?.querySelector(`.verdict input[value="${verdict}"]`)?.click();
    }

    onClick(event) {
      const button = event.target.closest("[data-choose-finding], [data-remove-box]");
      if (!button) return;
      const finding = button.closest("[data-finding]");
      if (button.matches("[data-remove-box]")) this.removeBox(finding, Number(button.dataset.removeBox));
      else this.choose(this.list().indexOf(finding));
    }

    // --- Boxes -------------------------------------------------------------------------------

    field(finding) {
      return finding?.querySelector("[data-boxes]");
    }

    canDraw() {
      return Boolean(this.field(this.current()));
    }

    // Boxes of the draft and of signed reviews that lie in one frame of the shown image.
    boxes(frame) {
      const here = (box) => box.instance === this.instance && box.frame_index === frame;
      const drafted = this.list().flatMap((finding, at) =>
        boxesIn(this.field(finding)).filter(here).map((box) => ({ ...box, label: finding.dataset.name, chosen: at === this.chosen })));
      const signed = all("[data-signed-boxes]").flatMap((one) =>
        JSON.parse(one.dataset.signedBoxes).filter(here).map((box) => ({ ...box, label: `${one.dataset.name} (${this.signedWord})`, chosen: false })));
      return [...signed, ...drafted];
    }

    addBox({ frame, ...place }) {
      const finding = this.current();
      const field = this.field(finding);
      if (!field) return;
      this.store(finding, [...boxesIn(field), { instance: this.instance, frame_index: frame, ...place }]);
      if (finding.querySelector('.verdict input[value=""]')?.checked) this.decide("present");
    }

    removeBox(finding, index) {
      this.store(finding, boxesIn(this.field(finding)).filter((_, at) => at !== index));
    }

    removeLastBox() {
      const count = boxesIn(this.field(this.current())).length;
      if (count) this.removeBox(this.current(), count - 1);
      return count > 0;
    }

    store(finding, boxes) {
      const field = this.field(finding);
      field.value = JSON.stringify(boxes);
      field.dispatchEvent(new Event("change", { bubbles: true }));
      this.listBoxes(finding);
      this.onChange();
    }

    listBoxes(finding) {
      const place = finding.querySelector("[data-box-list]");
      if (!place) return;
      const template = finding.querySelector("template");
      place.replaceChildren(...boxesIn(this.field(finding)).map((box, index) => {
        const chip = template.content.firstElementChild.cloneNode(true);
        chip.querySelector("[data-box-number]").textContent = index + 1;
        chip.querySelector("[data-box-size]").textContent = `${box.width} × ${box.height}`;
        chip.querySelector("button").dataset.removeBox = index;
        return chip;
      }));
    }
  }

  function boxesIn(field) {
    return field?.value ? JSON.parse(field.value) : [];
  }

  window.medimaging.Findings = Findings;
})();
