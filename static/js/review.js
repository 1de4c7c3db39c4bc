// The review form: stored in the background as it is filled in, and signed without a race.
(() => {
  "use strict";
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

  function focusOn(selector) {
    const field = document.querySelector(selector);
    field?.closest("details")?.setAttribute("open", "");
    field?.focus();
  }

  medimaging.onKeys({
    "sign-next": () => document.querySelector("[data-sign-next]")?.click(),
    "add-finding": () => focusOn(document.getElementById("add-condition") ? "#add-condition" : "#new-condition"),
    comment: () => focusOn("#review-comment"),
    consent: () => document.querySelector("#review-form [name=training_consent]")?.click(),
    edit: () => focusOn("#information input:not([type=hidden]), #information select"),
    model: () => {
      const facts = document.getElementById("model");
      if (!facts) return;
      facts.open = !facts.open;
      if (facts.open) facts.scrollIntoView({ block: "nearest" });
    },
  });
})();
