// Runs before the first paint, so that a chosen theme never flashes the other one.
(() => {
  "use strict";
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  } catch {
    // A browser that forbids storage keeps to its own preference.
  }
})();
