// The upload page: what is chosen is looked at first, then sent, each file by itself and with its own verdict.
(() => {
  "use strict";
  const form = document.getElementById("upload-form");
  const byId = (id) => document.getElementById(id);
  const [list, panel, ready, readyPanel] = ["verdicts", "verdicts-panel", "ready", "ready-panel"].map(byId);
  const summary = document.querySelector("[data-summary]");
  const sendAll = document.querySelector("[data-send-all]");
  const drop = form.querySelector("[data-drop]");
  const folder = form.querySelector("[data-folder]");
  const words = form.dataset;
  const AT_ONCE = 2;
  const looked = [];
  const waiting = [];
  let sending = 0;
  const counts = { accepted: 0, duplicate: 0, rejected: 0 };
  const wordsOf = (state) => words[`words${state[0].toUpperCase()}${state.slice(1)}`];

  form.classList.add("scripted");
  for (const element of document.querySelectorAll("[data-needs-script]")) element.hidden = false;
  form.querySelector("[data-without-script]").hidden = true;

  const rowFrom = (template, file) => {
    const row = byId(template).content.firstElementChild.cloneNode(true);
    row.querySelector(".upload-name").textContent = file.webkitRelativePath || file.name;
    return row;
  };

  // --- Look before sending -------------------------------------------------------------------

  async function add(files) {
    for (const file of files) {
      const row = rowFrom("ready-row", file);
      const item = { file, row };
      show(row, "ready", words.wordsReady);
      row.querySelector("[data-remove]").addEventListener("click", () => remove(item));
      looked.push(item);
      ready.append(row);
    }
    countReady();
    if (files.length) sendAll.focus();
    for (const item of looked.filter((one) => files.includes(one.file))) await describe(item);
  }

  function remove(item) {
    looked.splice(looked.indexOf(item), 1);
    item.row.remove();
    countReady();
  }

  function countReady() {
    readyPanel.hidden = !looked.length;
    sendAll.textContent = looked.length === 1 ? words.wordsSendOne : words.wordsSendMany.replace("{n}", looked.length);
  }

  async function describe({ file, row }) {
    const said = row.querySelector("[data-identity]");
    let found;
    try {
      found = await medimaging.lookAtFile(file, words.elementsUrl);
    } catch {
      found = { kind: "" };
    }
    if (!found.kind) said.textContent = words.wordsUnknown;
    else if (found.kind !== "DICOM") said.textContent = words.wordsRaster.replace("{kind}", found.kind);
    else if (!found.treated) said.textContent = words.wordsDicomUnread;
    else listElements(row, found);
  }

  function listElements(row, { treated, burnedIn }) {
    const of = (treatment) => treated.filter((element) => element.treatment === treatment);
    row.querySelector("[data-identity]").textContent = ["removed", "replaced", "kept"].reduce(
      (text, treatment) => text.replace(`{${treatment}}`, of(treatment).length), words.wordsDicom,
    ) + (burnedIn ? ` ${words.wordsBurnedIn}` : "");
    row.classList.toggle("warned", burnedIn);
    const details = row.querySelector("details");
    details.hidden = false;
    details.addEventListener("toggle", () => {
      details.querySelector("dl").replaceChildren(...["removed", "replaced", "kept"].flatMap((treatment) => {
        const term = document.createElement("dt");
        term.textContent = wordsOf(treatment);
        return [term, ...of(treatment).map(elementLine)];
      }));
    }, { once: true });
  }

  function elementLine({ name, tag, value }) {
    const line = document.createElement("dd");
    line.textContent = `${name || `${words.wordsPrivate} ${tag}`}${value ? `: ${value}` : ""}`;
    return line;
  }

  // --- Sending -------------------------------------------------------------------------------

  function start() {
    panel.hidden = false;
    for (const { file, row: old } of looked.splice(0)) {
      old.remove();
      const row = rowFrom("upload-row", file);
      list.append(row);
      queue({ file, row });
    }
    countReady();
    panel.scrollIntoView({ block: "nearest" });
  }

  function queue(item) {
    show(item.row, "waiting", words.wordsWaiting);
    item.row.querySelector("progress").hidden = false;
    if (item.file.size > Number(words.maxBytes)) {
      finish(item, { verdict: "rejected", message: words.wordsTooLarge });
      return;
    }
    waiting.push(item);
    pump();
  }

  function pump() {
    while (sending < AT_ONCE && waiting.length) send(waiting.shift());
  }

  async function send(item) {
    sending += 1;
    const { row, file } = item;
    const body = new FormData(form);
    body.delete("files");
    show(row, "sending", words.wordsSending);
    const say = (text) => { row.querySelector("[data-message]").textContent = text; };
    let answer;
    try {
      answer = await medimaging.sendFile(file, {
        url: words.beginUrl,
        body,
        onProgress: (sent, total) => {
          row.querySelector("progress").value = total ? (100 * sent) / total : 0;
          show(row, "sending", words.wordsSending);
          say("");
        },
        onChecking: () => show(row, "sending", words.wordsChecking),
        onPause: () => {
          show(row, "paused", words.wordsPaused);
          say(words.wordsResuming);
        },
      });
    } catch (error) {
      answer = { verdict: "rejected", message: error.message || words.wordsLost, again: !error.message };
    }
    sending -= 1;
    finish(item, answer);
    pump();
  }

  function finish(item, answer) {
    counts[answer.verdict] += 1;
    item.row.querySelector("progress").hidden = true;
    show(item.row, answer.verdict, wordsOf(answer.verdict));
    item.row.querySelector("[data-message]").textContent = answer.message;
    const link = item.row.querySelector("a");
    link.hidden = !answer.study_url;
    link.textContent = words.wordsOpen;
    if (answer.study_url) link.href = answer.study_url;
    const again = item.row.querySelector("button");
    again.hidden = !answer.again;
    again.textContent = words.wordsAgain;
    again.onclick = () => {
      counts.rejected -= 1;
      again.hidden = true;
      item.row.querySelector("[data-message]").textContent = "";
      queue(item);
    };
    summarize();
  }

  function show(row, state, text) {
    row.className = `upload ${state}`;
    const badge = row.querySelector(".badge");
    const look = { accepted: "signed", rejected: "failed", sending: "open", paused: "withheld" }[state] || "";
    badge.className = `badge ${look}`;
    if (badge.textContent !== text) badge.textContent = text;
  }

  function summarize() {
    summary.textContent = ["accepted", "duplicate", "rejected"]
      .filter((state) => counts[state])
      .map((state) => `${counts[state]} ${wordsOf(state).toLowerCase()}`)
      .join(", ");
  }

  // --- Where files come from -----------------------------------------------------------------

  async function filesOf(entry) {
    if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
    const reader = entry.createReader();
    const found = [];
    for (;;) {
      const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!batch.length) return found;
      for (const child of batch) found.push(...(await filesOf(child)));
    }
  }

  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.length) add([...event.dataTransfer.files]);
    for (const entry of entries) add(await filesOf(entry));
  });
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => event.preventDefault());
    drop.addEventListener(name, () => drop.classList.add("over"));
  }
  document.addEventListener("drop", (event) => event.preventDefault());
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  form.querySelector("[data-choose-folder]").addEventListener("click", () => folder.click());
  for (const input of [byId("files"), folder]) {
    input.addEventListener("change", () => {
      add([...input.files]);
      input.value = "";
    });
  }
  sendAll.addEventListener("click", start);
  document.querySelector("[data-remove-all]").addEventListener("click", () => { for (const item of [...looked]) remove(item); });
  form.addEventListener("submit", (event) => event.preventDefault());

  window.addEventListener("beforeunload", (event) => {
    if (!sending && !waiting.length && !looked.length) return;
    event.preventDefault();
    event.returnValue = words.wordsLeave;
  });
})();
