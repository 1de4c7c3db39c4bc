// Keys of the worklist: J and K move, Enter opens, / searches. The choice survives live updates.
(() => {
  "use strict";
  let chosen = null;

  const rows = () => [...document.querySelectorAll("tr[data-study]")];
  const link = (row) => row.querySelector("a.study-link");

  function mark() {
    for (const row of rows()) row.classList.toggle("chosen", row.dataset.study === chosen);
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

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || medimaging.isTyping(event)) return;
    const key = event.key.toLowerCase();
    if (key === "j") move(1);
    else if (key === "k") move(-1);
    else if (key === "/") document.getElementById("id_q").focus();
    else return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-study]");
    if (row && !event.target.closest("a") && !String(getSelection())) link(row).click();
  });

  document.addEventListener("htmx:afterSwap", () => {
    mark();
    remember();
  });

  remember();
})();
