// The study page: buttons and keys of the viewer, the chosen finding, images beside, and the way to sign.
(() => {
  "use strict";
  const box = document.querySelector('[data-viewer="main"]');
  const pane = document.querySelector('[data-viewer="beside"]');
  const viewer = box && new medimaging.Viewer(box);
  let beside = null;
  const shownBeside = { prior: -1, similar: -1 };
  let chosen = 0;

  const all = (selector) => [...document.querySelectorAll(selector)];
  const findings = () => all("[data-finding]");

  // --- Findings and overlay ------------------------------------------------------------------

  function choose(index) {
    const list = findings();
    if (!list[index]) return;
    chosen = index;
    showChosen();
    list[index].scrollIntoView({ block: "nearest" });
  }

  function showChosen() {
    const list = findings();
    list.forEach((finding, index) => finding.classList.toggle("chosen", index === chosen));
    if (!viewer) return;
    const url = list[chosen]?.dataset.overlay || null;
    if (url !== (viewer.overlayUrl || null)) viewer.setOverlay(url);
    const possible = list.some((finding) => finding.dataset.overlay);
    for (const control of box.querySelectorAll("[data-overlay-tools] button, [data-opacity]")) control.disabled = !possible;
    describeOverlay();
  }

  function describeOverlay() {
    const shown = viewer.overlayShown && Boolean(viewer.overlayUrl);
    box.querySelector('[data-act="overlay"]').setAttribute("aria-pressed", String(viewer.overlayShown));
    box.querySelector("[data-color-bar]").hidden = !shown;
    box.querySelector("[data-overlay-words]").hidden = !shown;
    const key = findings()[chosen]?.dataset.key;
    let measured = "";
    for (const map of all("[data-map]")) {
      const drawn = shown && map.dataset.map === viewer.overlayUrl;
      map.setAttribute("aria-pressed", String(drawn));
      if (drawn && map.closest("[data-maps-of]").dataset.mapsOf === key) measured = map.dataset.measured;
    }
    box.querySelector("[data-overlay-measured]").textContent = measured;
  }

  // The map of a button becomes the overlay of its finding; pressed again, the overlay goes.
  function showMap(button) {
    const list = findings();
    const index = list.findIndex((finding) => finding.dataset.key === button.closest("[data-maps-of]").dataset.mapsOf);
    if (!viewer || index < 0) return;
    const already = viewer.overlayShown && viewer.overlayUrl === button.dataset.map;
    list[index].dataset.overlay = button.dataset.map;
    chosen = index;
    showChosen();
    viewer.showOverlay(!already);
    describeOverlay();
  }

  function toggleOverlay() {
    if (box.querySelector('[data-act="overlay"]').disabled) return;
    viewer.showOverlay(!viewer.overlayShown);
    describeOverlay();
  }

  function changeOpacity(step) {
    const slider = box.querySelector("[data-opacity]");
    if (slider.disabled) return;
    slider.value = Math.round(viewer.setOpacity(viewer.opacity + step) * 100);
  }

  function decide(verdict) {
    const radio = findings()[chosen]?.querySelector(`.verdict input[value="${verdict}"]`);
    radio?.click();
  }

  // --- Images beside -------------------------------------------------------------------------

  function showBeside(button) {
    pane.hidden = false;
    const words = button.dataset.besideWords;
    pane.querySelector("[data-beside-facts]").textContent = words;
    const kind = button.dataset.besideKind;
    shownBeside[kind] = all(`[data-beside-kind="${kind}"]`).indexOf(button);
    beside ??= new medimaging.Viewer(pane);
    beside.show(button.dataset.beside, words);
    box.scrollIntoView({ block: "nearest" });
  }

  function nextBeside(kind) {
    const buttons = all(`[data-beside-kind="${kind}"]`);
    if (buttons.length) showBeside(buttons[(shownBeside[kind] + 1) % buttons.length]);
    else document.getElementById(kind === "prior" ? "priors" : "similar")?.scrollIntoView({ block: "nearest" });
  }

  // --- Other studies -------------------------------------------------------------------------

  function go(direction) {
    let list = [];
    try {
      list = JSON.parse(sessionStorage.getItem("worklist") || "[]");
    } catch {
      // Without storage the order of all studies is used.
    }
    const at = list.indexOf(location.pathname);
    const listed = at < 0 ? null : list[at + (direction === "next" ? 1 : -1)];
    const address = listed || document.querySelector(`[data-go="${direction}"][href]`)?.getAttribute("href");
    if (address) location.assign(address);
  }

  function editInformation() {
    const details = document.getElementById("information");
    details.open = true;
    details.querySelector("input:not([type=hidden]), select")?.focus();
  }

  // --- What buttons and keys do ---------------------------------------------------------------

  const acts = viewer && {
    "tool-window": () => useTool("window"), "tool-pan": () => useTool("pan"), "tool-zoom": () => useTool("zoom"),
    "zoom-in": () => viewer.zoomBy(1.25), "zoom-out": () => viewer.zoomBy(0.8), fit: () => viewer.fit(),
    invert: () => viewer.invert(), reset: () => { viewer.reset(); beside?.reset(); },
    "turn-left": () => viewer.turn(-1), "turn-right": () => viewer.turn(1),
    "mirror-x": () => viewer.mirror("x"), "mirror-y": () => viewer.mirror("y"),
    overlay: toggleOverlay, "close-beside": () => { pane.hidden = true; },
  };

  function useTool(tool) {
    viewer.setTool(tool);
    for (const button of box.querySelectorAll('[data-act^="tool-"]')) {
      button.setAttribute("aria-pressed", String(button.dataset.act === `tool-${tool}`));
    }
  }

  const keys = {
    a: () => acts?.overlay(), "[": () => changeOpacity(-0.1), "]": () => changeOpacity(0.1),
    y: () => decide("present"), n: () => decide("absent"), u: () => decide("uncertain"),
    e: editInformation, i: () => acts?.invert(), z: () => useTool(viewer.tool === "zoom" ? "window" : "zoom"),
    "+": () => acts?.["zoom-in"](), "-": () => acts?.["zoom-out"](), "=": () => acts?.fit(),
    r: () => acts?.["turn-right"](), l: () => acts?.["turn-left"](),
    h: () => acts?.["mirror-x"](), v: () => acts?.["mirror-y"](), " ": () => acts?.reset(),
    p: () => nextBeside("prior"), s: () => nextBeside("similar"),
    j: () => go("next"), k: () => go("previous"),
    "?": () => document.getElementById("keys").showModal(),
  };
  for (let number = 1; number <= 9; number += 1) keys[number] = () => choose(number - 1);

  document.addEventListener("keydown", (event) => {
    if (medimaging.isTyping(event) || document.querySelector("dialog[open]")) return;
    if (event.ctrlKey && event.key === "Enter") {
      event.preventDefault();
      document.querySelector("[data-sign-next]")?.click();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && event.target.closest("button, a, summary, input, label")) return;
    const act = keys[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act], [data-choose-finding], [data-beside], [data-map]");
    if (!button) return;
    if (button.dataset.act) acts[button.dataset.act]();
    else if (button.dataset.beside) showBeside(button);
    else if (button.dataset.map) showMap(button);
    else choose(findings().indexOf(button.closest("[data-finding]")));
  });

  document.addEventListener("focusin", (event) => {
    const finding = event.target.closest(".verdict, .note")?.closest("[data-finding]");
    if (finding) {
      chosen = findings().indexOf(finding);
      showChosen();
    }
  });

  box?.querySelector("[data-opacity]").addEventListener("input", (event) => viewer.setOpacity(event.target.value / 100));

  // --- Frames --------------------------------------------------------------------------------

  const frames = document.querySelector("[data-frames]");
  if (frames) {
    const number = document.querySelector("[data-frame-number]");
    const show = () => { number.textContent = Number(frames.value) + 1; };
    frames.addEventListener("input", show);
    frames.addEventListener("change", () => { viewer.source.src = `${frames.dataset.url}?frame=${frames.value}`; });
    show();
  }

  // --- Saving and signing --------------------------------------------------------------------

  // Two requests with one revision would refuse each other: signing waits for a draft that is
  // being stored, and once the form is sent nothing more is stored beside it.
  let leaving = false;
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("#review-form");
    if (!form) return;
    if (form.matches(".htmx-request") || form.querySelector(".htmx-request")) {
      event.preventDefault();
      const { submitter } = event;
      document.addEventListener("htmx:afterRequest", () => setTimeout(() => form.requestSubmit(submitter)), { once: true });
    } else leaving = true;
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (leaving && event.target.closest("#review-form")) event.preventDefault();
  });
  // htmx adds the button that was pressed last; storing in the background presses none.
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt.id === "review-form") event.detail.formData.delete("action");
  });
  window.addEventListener("pageshow", () => { leaving = false; });

  // What is typed to add a finding is no change of the draft yet.
  document.addEventListener("change", (event) => {
    if (event.target.closest("#add-finding")) event.stopPropagation();
  }, { capture: true });

  document.addEventListener("htmx:afterSettle", showChosen);
  for (const link of all("[data-go][href]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      go(link.dataset.go);
    });
  }
  showChosen();
})();
