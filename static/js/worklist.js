// The worklist: keys move through it, open, search and pick. All choices survive live updates.
(() => {
  "use strict";
  let chosen = null;
  const picked = new Set();

  const rows = () => [...document.querySelectorAll("tr[data-study]")];
  const link = (row) => row.querySelector("a.study-link");

  function mark() {
    for (const row of rows()) row.classList.toggle("chosen", row.dataset.study === chosen);
  }

  const boxes = () => [...document.querySelectorAll("tr[data-study] input[name=studies]")];

  function markPicked() {
    for (const box of boxes()) box.checked = picked.has(box.value);
    const count = document.querySelector("[data-picked]");
    if (count) count.textContent = picked.size ? `(${picked.size})` : "";
    const all = document.querySelector("[data-pick-all]");
    if (all) all.checked = boxes().length > 0 && boxes().every((box) => box.checked);
  }

  function pick(box, on) {
    if (on) picked.add(box.value);
    else picked.delete(box.value);
  }

  function pickChosen() {
    const box = boxes().find((one) => one.value === chosen);
    if (box) pick(box, !picked.has(box.value));
    markPicked();
  }

  function choose(row) {
    chosen = row.dataset.study;
    mark();
    link(row).focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.dataset.study === chosen);
    choose(all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step))]);
  }

  // The study page walks with J and K through the list as it was shown here.
  function remember() {
    try {
      sessionStorage.setItem("worklist", JSON.stringify(rows().map((row) => link(row).getAttribute("href"))));
    } catch {
      // The study page then walks through all studies.
    }
  }

  medimaging.onKeys({
    next: () => move(1),
    previous: () => move(-1),
    search: () => document.getElementById("id_q").focus(),
    pick: pickChosen,
  });

  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-study]");
    if (row && !event.target.closest("a, .col-pick") && !String(getSelection())) link(row).click();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) {
      for (const box of boxes()) pick(box, event.target.checked);
    } else if (event.target.matches("input[name=studies]")) {
      pick(event.target, event.target.checked);
    } else return;
    markPicked();
  });

  document.addEventListener("htmx:afterSwap", () => {
    mark();
    markPicked();
    remember();
  });

  for (const box of boxes()) pick(box, box.checked); // a browser that goes back restores the ticks
  markPicked();
  remember();
})();
