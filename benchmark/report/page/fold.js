"use strict";
// What is folded: a link into it opens it, printing opens all of it; tables show their first rows and columns.
(() => {
  const closed = "details:not([open])";
  const reveal = (node) => {
    for (let fold = node?.closest(closed); fold; fold = fold.parentElement?.closest(closed)) fold.open = true;
  };
  const follow = () => {
    let id = "";
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { /* no valid address: it leads nowhere */ }
    const node = id ? document.getElementById(id) : null;
    if (node?.closest(closed)) {
      reveal(node);
      node.scrollIntoView();
    }
  };
  window.addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    if (link && link.hash === location.hash) follow(); // the same address again tells nobody that it has changed
  });
  follow();

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
