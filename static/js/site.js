// What every page needs: the theme button, menus that close, and htmx's manners.
(() => {
  "use strict";
  const root = document.documentElement;

  const themeNow = () =>
    root.dataset.theme || (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");

  document.querySelector("[data-theme-toggle]")?.addEventListener("click", () => {
    root.dataset.theme = themeNow() === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // The choice then lasts for this page alone.
    }
  });

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    if (event.target.closest("[data-prints]")) print();
    const opener = event.target.closest("[data-opens-dialog]");
    if (opener) document.getElementById(opener.dataset.opensDialog)?.showModal();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });

  // A session that ended answers with the sign-in page: show it whole, not inside a table row.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const answeredBy = new URL(event.detail.xhr.responseURL || location.href).pathname;
    const asked = event.detail.pathInfo.finalRequestPath || event.detail.pathInfo.requestPath;
    if (answeredBy !== new URL(asked, location.href).pathname) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });

  // Keys typed into a field belong to the field.
  window.medimaging = {
    isTyping: (event) => {
      const field = event.target.closest?.("input, textarea, select, [contenteditable]");
      return Boolean(field) && !["radio", "checkbox", "range", "button", "submit"].includes(field.type);
    },
  };
})();
