// The study page: ties viewers, findings, images beside, buttons and keys together.
(() => {
  "use strict";
  const box = document.querySelector('[data-viewer="main"]');
  const pane = document.querySelector('[data-viewer="beside"]');
  const all = (selector) => [...document.querySelectorAll(selector)];
  const findings = new medimaging.Findings({
    instance: box?.dataset.instance, onChange: showChosen, signedWord: box?.dataset.wordsSigned,
  });
  const viewer = box && new medimaging.Viewer(box, box.dataset);
  const marks = viewer && new medimaging.Marks(viewer, { boxes: () => findings.boxes(viewer.index) });
  const base = (url) => url.replace(/\d+\/values$/, "");
  let beside = null;
  const shownBeside = { prior: -1, similar: -1 };

  // --- The chosen finding and its overlay ------------------------------------------------------

  function showChosen() {
    if (!viewer) return;
    const url = findings.current()?.dataset.overlay || null;
    if (url !== (viewer.overlayUrl || null)) viewer.setOverlay(url);
    const possible = findings.list().some((finding) => finding.dataset.overlay);
    for (const control of box.querySelectorAll("[data-overlay-tools] button, [data-opacity]")) control.disabled = !possible;
    box.querySelector('[data-act="tool-box"]').disabled = !findings.canDraw();
    describeOverlay();
    viewer.draw();
  }

  function describeOverlay() {
    const shown = viewer.overlayShown && Boolean(viewer.overlayUrl);
    press("overlay", viewer.overlayShown);
    box.querySelector("[data-color-bar]").hidden = !shown;
    box.querySelector("[data-overlay-words]").hidden = !shown;
    let measured = "";
    for (const map of all("[data-map]")) {
      const drawn = shown && map.dataset.map === viewer.overlayUrl;
      map.setAttribute("aria-pressed", String(drawn));
      if (drawn) measured = map.dataset.measured;
    }
    box.querySelector("[data-overlay-measured]").textContent = measured;
  }

  // The map of a button becomes the overlay of its finding; pressed again, the overlay goes.
  function showMap(button) {
    const list = findings.list();
    const index = list.findIndex((finding) => finding.dataset.key === button.closest("[data-maps-of]").dataset.mapsOf);
    if (!viewer || index < 0) return;
    const already = viewer.overlayShown && viewer.overlayUrl === button.dataset.map;
    list[index].dataset.overlay = button.dataset.map;
    findings.mark(index);
    viewer.showOverlay(!already);
    describeOverlay();
  }

  // The next of the maps that are drawn; the first that is not is asked for once all others were seen.
  function nextMap() {
    const key = findings.current()?.dataset.key;
    const maps = all(`[data-maps-of="${key}"] [data-map]`);
    const at = maps.findIndex((map) => map.dataset.map === viewer.overlayUrl);
    if (maps[at + 1]) showMap(maps[at + 1]);
    else document.querySelector(`[data-maps-of="${key}"] form button`)?.click();
    if (!maps[at + 1] && maps.length > 1) showMap(maps[0]);
  }

  function toggleOverlay() {
    if (box.querySelector('[data-act="overlay"]').disabled) return;
    viewer.showOverlay(!viewer.overlayShown);
    describeOverlay();
  }

  function changeOpacity(step) {
    const slider = box.querySelector("[data-opacity]");
    if (!slider.disabled) slider.value = Math.round(viewer.setOpacity(viewer.opacity + step) * 100);
  }

  // --- Windows and frames ----------------------------------------------------------------------

  const presets = box?.querySelector("[data-preset]");
  const frames = document.querySelector("[data-frames]");

  function listPresets() {
    const names = viewer.presets().map(({ name }) => name);
    if (viewer.preset < 0) names.push(box.dataset.wordsOwnWindow);
    const at = viewer.preset < 0 ? names.length - 1 : viewer.preset;
    if ([...presets.options].map((option) => option.text).join("\n") !== names.join("\n")) {
      presets.replaceChildren(...names.map((name, index) => new Option(name, index)));
    }
    if (presets.selectedIndex !== at) presets.selectedIndex = at;
  }

  function goToFrame(index) {
    if (!frames) return;
    frames.value = index;
    document.querySelector("[data-frame-number]").textContent = Number(frames.value) + 1;
    viewer.showFrame(Number(frames.value));
  }

  const stepFrame = (step) => goToFrame((viewer.wanted ?? 0) + step);

  // --- Images beside -------------------------------------------------------------------------

  function showBeside(button) {
    pane.hidden = false;
    pane.querySelector("[data-beside-facts]").textContent = button.dataset.besideWords;
    const kind = button.dataset.besideKind;
    shownBeside[kind] = all(`[data-beside-kind="${kind}"]`).indexOf(button);
    beside ??= makeBeside();
    const count = Number(button.dataset.count || 1);
    beside.open({ base: base(button.dataset.beside), index: Math.floor(count / 2), count, alt: button.dataset.besideWords });
    box.scrollIntoView({ block: "nearest" });
  }

  function makeBeside() {
    const other = new medimaging.Viewer(pane, box.dataset);
    const step = (frames) => other.showFrame((other.wanted ?? 0) + frames);
    new medimaging.Pointer(other, new medimaging.Marks(other), { onFrame: step });
    // Whichever of the two was touched last leads the other.
    let leader = viewer;
    const leads = (who) => () => { leader = who; };
    for (const name of ["pointerdown", "wheel"]) {
      viewer.stage.addEventListener(name, leads(viewer), { capture: true, passive: true });
      other.stage.addEventListener(name, leads(other), { capture: true, passive: true });
    }
    document.addEventListener("keydown", leads(viewer), { capture: true });
    const linked = (who) => leader === who && !pane.hidden && pane.querySelector("[data-link]").checked;
    viewer.listeners.push(() => { if (linked(viewer)) other.follow(viewer); });
    other.listeners.push(() => { if (linked(other)) viewer.follow(other); });
    return other;
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
    const at = list.findIndex((address) => new URL(address, location.href).pathname === location.pathname);
    const listed = at < 0 ? null : list[at + (direction === "next" ? 1 : -1)];
    const address = listed || document.querySelector(`[data-go="${direction}"][href]`)?.getAttribute("href");
    if (address) location.assign(address);
  }

  // --- What buttons and keys do ---------------------------------------------------------------

  function press(act, pressed) {
    box.querySelector(`[data-act="${act}"]`).setAttribute("aria-pressed", String(pressed));
  }

  function useTool(tool) {
    if (box.querySelector(`[data-act="tool-${tool}"]`).disabled) return;
    viewer.tool = tool;
    for (const stage of box.querySelectorAll("[data-stage]")) stage.dataset.tool = tool;
    if (beside) beside.tool = tool === "box" ? "window" : tool;
    marks.draft = null;
    for (const button of box.querySelectorAll('[data-act^="tool-"]')) press(button.dataset.act, button.dataset.act === `tool-${tool}`);
  }

  const toggleTool = (tool) => () => useTool(viewer.tool === tool ? "window" : tool);

  const acts = viewer && {
    "tool-window": () => useTool("window"), "tool-pan": toggleTool("pan"), "tool-zoom": toggleTool("zoom"),
    "tool-length": toggleTool("length"), "tool-box": toggleTool("box"),
    "zoom-in": () => viewer.zoomBy(1.25), "zoom-out": () => viewer.zoomBy(0.8), fit: () => viewer.fit(),
    invert: () => viewer.invert(), reset: () => { viewer.reset(); beside?.reset(); marks.clear(); },
    "turn-left": () => viewer.turn(-1), "turn-right": () => viewer.turn(1),
    "mirror-x": () => viewer.mirror("x"), "mirror-y": () => viewer.mirror("y"),
    magnify: () => {
      viewer.magnifies = !viewer.magnifies;
      press("magnify", viewer.magnifies);
      if (!viewer.magnifies) { viewer.lens = null; viewer.draw(); }
    },
    undo: () => { if (marks.draft || marks.lengths.length) marks.undo(); else findings.removeLastBox(); },
    method: nextMap,
    preset: () => viewer.usePreset(viewer.preset + 1),
    overlay: toggleOverlay, "overlay-less": () => changeOpacity(-0.1), "overlay-more": () => changeOpacity(0.1),
    "frame-next": () => stepFrame(1), "frame-previous": () => stepFrame(-1),
    "close-beside": () => { pane.hidden = true; },
    link: () => pane.querySelector("[data-link]").click(),
    escape: () => useTool("window"),
  };

  medimaging.onKeys({
    ...acts,
    choose: (index) => findings.choose(index),
    present: () => findings.decide("present"), absent: () => findings.decide("absent"), uncertain: () => findings.decide("uncertain"),
    prior: () => nextBeside("prior"), similar: () => nextBeside("similar"),
    next: () => go("next"), previous: () => go("previous"),
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act], [data-beside], [data-map]");
    if (!button) return;
    if (button.dataset.act) acts[button.dataset.act]();
    else if (button.dataset.map) showMap(button);
    else showBeside(button);
  });
  for (const link of all("[data-go][href]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      go(link.dataset.go);
    });
  }

  if (viewer) {
    new medimaging.Pointer(viewer, marks, { onBox: (drawn) => findings.addBox(drawn), onFrame: stepFrame });
    viewer.listeners.push(listPresets);
    presets.addEventListener("change", () => { if (presets.value < viewer.presets().length) viewer.usePreset(Number(presets.value)); });
    frames?.addEventListener("input", () => goToFrame(Number(frames.value)));
    box.querySelector("[data-opacity]").addEventListener("input", (event) => viewer.setOpacity(event.target.value / 100));
    const { values, count, analyzed, alt } = box.dataset;
    const index = Number(/(\d+)\/values$/.exec(values)[1]);
    viewer.open({ base: base(values), index, count: Number(count), analyzed: analyzed === "" ? null : Number(analyzed), alt });
  }
  findings.mark(0);
})();
