// Hot keys: what each does is registered by the page, which key it is stands in the sheet and is the reader's choice.
(() => {
  "use strict";
  const sheet = document.querySelector("[data-key-sheet]");
  const acts = new Map();
  const message = sheet?.querySelector("[data-key-message]");
  let changing = null;

  const named = (event) => (event.key.length === 1 ? event.key.toLowerCase() : event.key);
  const bound = () => [...(sheet?.querySelectorAll("[data-key-of]") || [])];
  const keyOf = (action) => bound().find((key) => key.dataset.keyOf === action);

  function actionOf(key) {
    return bound().find((one) => one.dataset.key === key)?.dataset.keyOf;
  }

  // Buttons and hints name the key that works now.
  function showKeys() {
    for (const key of bound()) {
      for (const hint of document.querySelectorAll(`[data-hint="${key.dataset.keyOf}"]`)) hint.textContent = key.textContent;
      for (const button of document.querySelectorAll(`[data-act="${key.dataset.keyOf}"][title]`)) {
        button.dataset.title ??= button.title;
        button.title = `${button.dataset.title} (${key.textContent})`;
      }
    }
  }

  function onKey(event) {
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      if (medimaging.isTyping(event)) event.target.blur();
      acts.get("escape")?.();
      return;
    }
    if (medimaging.isTyping(event) || event.metaKey || event.altKey) return;
    if (event.ctrlKey && event.key === "Enter") {
      event.preventDefault();
      acts.get("sign-next")?.();
      return;
    }
    if (event.ctrlKey) return;
    const key = named(event);
    if (key === " " && event.target.closest?.("button, a, summary, input, label")) return;
    // A slider keeps its own keys, but for the one of the frames, whose keys are those of the frames.
    if (event.target.type === "range" && !event.target.matches("[data-frames]") && ["PageUp", "PageDown", "Home", "End"].includes(key)) return;
    const act = /^[1-9]$/.test(key) ? () => acts.get("choose")?.(Number(key) - 1) : key === "?" ? openSheet : acts.get(key === "/" ? "search" : actionOf(key));
    if (!act) return;
    event.preventDefault();
    act();
  }

  function openSheet() {
    say("");
    sheet.showModal();
  }

  // --- Changing a key ------------------------------------------------------------------------

  function say(text) {
    message.textContent = text;
  }

  function begin(button) {
    changing = button.dataset.rebind;
    keyOf(changing).classList.add("changing");
    say(sheet.dataset.wordsPress);
  }

  function end() {
    if (changing) keyOf(changing).classList.remove("changing");
    changing = null;
  }

  async function send(url, fields) {
    const headers = { ...JSON.parse(document.body.getAttribute("hx-headers") || "{}") };
    const response = await fetch(url, { method: "POST", headers, body: new URLSearchParams(fields) });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.message || sheet.dataset.wordsLost);
    return answer;
  }

  async function change(key) {
    const action = changing;
    end();
    try {
      const answer = await send(sheet.dataset.changeUrl, { action, key });
      keyOf(action).dataset.key = answer.key;
      keyOf(action).textContent = answer.shown;
      say(sheet.dataset.wordsChanged);
      showKeys();
    } catch (error) {
      say(error instanceof TypeError || error instanceof SyntaxError ? sheet.dataset.wordsLost : error.message);
    }
  }

  sheet?.addEventListener("keydown", (event) => {
    if (!changing || ["Shift", "Control", "Alt", "Meta", "Tab"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") {
      end();
      say("");
    } else change(named(event));
  });
  sheet?.addEventListener("cancel", (event) => { if (changing) event.preventDefault(); });
  sheet?.addEventListener("close", end);
  sheet?.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-rebind]");
    if (button) {
      end();
      begin(button);
    } else if (event.target.closest("[data-restore-keys]")) {
      try {
        await send(sheet.dataset.restoreUrl, {});
        location.reload();
      } catch {
        say(sheet.dataset.wordsLost);
      }
    }
  });

  document.addEventListener("keydown", onKey);
  document.addEventListener("htmx:afterSettle", showKeys);
  showKeys();

  // `acts` maps an action's name to a function; "choose" gets the number of a finding, from zero.
  window.medimaging.onKeys = (more) => { for (const [name, act] of Object.entries(more)) acts.set(name, act); };
})();
