// Sends each file by itself, shows how far it is, and what became of it and why.
(() => {
  "use strict";
  const form = document.getElementById("upload-form");
  const list = document.getElementById("verdicts");
  const panel = document.getElementById("verdicts-panel");
  const template = document.getElementById("upload-row");
  const summary = document.querySelector("[data-summary]");
  const drop = form.querySelector("[data-drop]");
  const folder = form.querySelector("[data-folder]");
  const words = form.dataset;
  const AT_ONCE = 2;
  const waiting = [];
  let sending = 0;
  const counts = { accepted: 0, duplicate: 0, rejected: 0 };

  form.classList.add("scripted");
  for (const element of document.querySelectorAll("[data-needs-script]")) element.hidden = false;
  form.querySelector("[data-without-script]").hidden = true;

  function add(files) {
    panel.hidden = false;
    for (const file of files) {
      const row = template.content.firstElementChild.cloneNode(true);
      row.querySelector(".upload-name").textContent = file.webkitRelativePath || file.name;
      list.append(row);
      queue({ file, row });
    }
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

  function send(item) {
    sending += 1;
    const bar = item.row.querySelector("progress");
    const body = new FormData(form);
    body.delete("files");
    body.append("files", item.file);
    const request = new XMLHttpRequest();
    request.open("POST", location.pathname);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      bar.value = event.lengthComputable ? (100 * event.loaded) / event.total : 0;
      show(item.row, "sending", event.loaded < event.total ? words.wordsSending : words.wordsChecking);
    });
    request.addEventListener("loadend", () => {
      sending -= 1;
      finish(item, answerOf(request));
      pump();
    });
    show(item.row, "sending", words.wordsSending);
    request.send(body);
  }

  function answerOf(request) {
    try {
      const answer = JSON.parse(request.responseText);
      if (answer.verdict) return answer;
    } catch {
      // What is not our JSON is a lost connection, or a proxy that gave up.
    }
    return { verdict: "rejected", message: words.wordsLost, again: true };
  }

  function finish(item, answer) {
    counts[answer.verdict] += 1;
    item.row.querySelector("progress").hidden = true;
    show(item.row, answer.verdict, words[`words${answer.verdict[0].toUpperCase()}${answer.verdict.slice(1)}`]);
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
    const look = { accepted: "signed", rejected: "failed", sending: "open" }[state] || "";
    badge.className = `badge ${look}`;
    badge.textContent = text;
  }

  function summarize() {
    summary.textContent = ["accepted", "duplicate", "rejected"]
      .filter((key) => counts[key])
      .map((key) => `${counts[key]} ${words[`words${key[0].toUpperCase()}${key.slice(1)}`].toLowerCase()}`)
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
  for (const input of [document.getElementById("files"), folder]) {
    input.addEventListener("change", () => {
      add([...input.files]);
      input.value = "";
    });
  }
  form.addEventListener("submit", (event) => event.preventDefault());

  window.addEventListener("beforeunload", (event) => {
    if (!sending && !waiting.length) return;
    event.preventDefault();
    event.returnValue = words.wordsLeave;
  });
})();
