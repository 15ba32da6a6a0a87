"use strict";
// What is folded: printing opens all of it; tables show their first rows and columns.
(() => {
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.fold:not([open])")];
    for (const fold of opened) fold.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const fold of opened) fold.open = false;
    opened = [];
  });

  for (const box of document.querySelectorAll(".table")) {
    for (const [name, shown] of [["all-rows", "every-row"], ["all-columns", "every-column"]]) {
      const button = box.querySelector("." + name), text = button?.textContent;
      button?.addEventListener("click", () => {
        const all = box.classList.toggle(shown);
        button.setAttribute("aria-expanded", String(all));
        button.textContent = all ? text.replace(/^All [\d,]+ /, "Fewer ") : text;
      });
    }
    box.querySelector("input[type=search]")?.addEventListener("input", (event) => {
      box.classList.toggle("sought", event.target.value.trim() !== ""); // a search looks through all rows
    });
  }
})();
