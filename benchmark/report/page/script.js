"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children); // strings become text nodes: nothing from the data is ever read as markup
    return node;
  };

  // Theme: as the system says, until the reader says otherwise.
  const themes = ["auto", "light", "dark"];
  const stored = () => { try { return localStorage.getItem("topfive-theme") || "auto"; } catch { return "auto"; } };
  const button = $(".theme");
  let theme = stored();
  const paint = () => {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    button.replaceChildren({ auto: "◐", light: "○", dark: "●" }[theme], make("span", {}, " " + theme));
    button.setAttribute("aria-label", `Theme: ${theme}. Change it`);
  };
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % 3];
    try { localStorage.setItem("topfive-theme", theme); } catch { /* a page from disk may have no storage: the choice lasts until it is closed */ }
    paint();
  });
  paint();

  // Tables: sort by a heading, filter rows, export what is shown.
  const collator = new Intl.Collator(undefined, { numeric: true }); // made once: a thousand rows sort at once
  const key = (cell) => cell.dataset.v ?? cell.textContent.trim();
  const sort = (table, index, heading) => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    $$("th", table.tHead).forEach((th) => th.setAttribute("aria-sort", "none"));
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const numeric = heading.classList.contains("num"), sign = down ? -1 : 1;
    const compare = (a, b) => {
      if (a.k === "" || b.k === "") return (a.k === "") - (b.k === "");
      return sign * (numeric ? a.k - b.k : collator.compare(a.k, b.k));
    };
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, k: key(row.cells[index]) })).sort(compare);
    table.tBodies[0].append(...rows.map((r) => r.row));
  };
  const csv = (table) => {
    // A leading = + - @ would be run as a formula by a spreadsheet; numbers are left alone.
    const cell = (text) => {
      const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? "'" + text : text;
      return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
    const head = [...table.tHead.rows[0].cells].map((th) => cell(($("button", th) ?? th).textContent.trim()));
    return [head, ...rows.map((row) => [...row.cells].map((td) => cell(td.dataset.v ?? td.textContent.trim())))].map((r) => r.join(",")).join("\r\n") + "\r\n";
  };
  for (const box of $$(".table")) {
    const table = $("table", box), count = $(".count", box), filter = $("input", box), total = table.tBodies[0].rows.length;
    $$("thead th", table).forEach((th, i) => $("button", th).addEventListener("click", () => sort(table, i, th)));
    filter?.addEventListener("input", () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of table.tBodies[0].rows) {
        row._text ??= row.textContent.toLowerCase();
        row.hidden = !words.every((word) => row._text.includes(word));
        shown += !row.hidden;
      }
      count.textContent = words.length ? `${shown} of ${total} rows` : "";
    });
    $(".csv", box).addEventListener("click", () => {
      const url = URL.createObjectURL(new Blob(["\ufeff" + csv(table)], { type: "text/csv" }));
      const link = make("a", { href: url, download: box.id.slice(2) + ".csv" });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    });
  }

  // A shade at the right edge of a box that holds more than it shows.
  const boxes = $$(".scroll");
  const shade = (box) => box.classList.toggle("more", box.scrollLeft + box.clientWidth < box.scrollWidth - 2);
  boxes.forEach((box) => box.addEventListener("scroll", () => shade(box), { passive: true }));
  const watch = new ResizeObserver((entries) => entries.forEach((entry) => shade(entry.target)));
  boxes.forEach((box) => watch.observe(box)); // also when the box of a closed part of the page is opened

  // Charts say their numbers: under the pointer, or with the arrow keys once a chart has the focus.
  const tip = $("#tip"), live = $("#live");
  let current = null, keyed = false;
  const show = (mark, byKey = false) => {
    current = mark;
    keyed = byKey;
    $$(".m.on").forEach((other) => other.classList.remove("on"));
    if (!mark) { tip.style.display = "none"; return; }
    mark.classList.add("on");
    tip.textContent = mark.dataset.tip;
    tip.style.display = "block";
    const at = mark.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - own.width / 2), innerWidth - own.width - 8);
    const above = at.top - own.height - 8;
    tip.style.left = left + "px";
    tip.style.top = (above > 0 ? above : at.bottom + 8) + "px";
  };
  document.addEventListener("pointerover", (event) => {
    const mark = event.target.closest?.("[data-tip]") ?? null;
    if (mark || !keyed) show(mark);
  });
  document.addEventListener("scroll", () => show(keyed ? current : null, keyed), { passive: true });
  for (const plot of $$(".plot")) {
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") return show(null);
      if (!step) return undefined;
      event.preventDefault();
      const marks = $$("[data-tip]", plot).filter((m) => m.dataset.tip && m.getClientRects().length);
      if (!marks.length) return undefined;
      const now = marks.findIndex((m) => m.classList.contains("on"));
      const next = marks[now < 0 ? 0 : (now + step + marks.length) % marks.length];
      show(next, true);
      live.textContent = next.dataset.tip;
      return undefined;
    });
    plot.addEventListener("blur", () => show(null));
  }

  // The disagreement explorer.
  const PAGE = 12;
  for (const box of $$(".explorer")) {
    const data = JSON.parse($("script", box).textContent);
    const [first, second] = $$("select", box), kinds = $$("fieldset button", box);
    const list = $(".cells", box), more = $(".more-button", box), filter = $("input", box), said = $(".count", box);
    data.contenders.forEach((c, i) => [first, second].forEach((select, j) => select.append(make("option", i === j ? { value: i, selected: "" } : { value: i }, c.name))));
    let kind = "a", limit = PAGE;
    const is = (image, which) => {
      const a = image.hits[first.value], b = image.hits[second.value];
      return { a: a && !b, b: b && !a, neither: !a && !b, both: a && b }[which];
    };
    const guesses = (image, i) => make("div", { class: "t-" + data.contenders[i].tone },
      make("bdi", { class: "side" }, data.contenders[i].name),
      make("ol", {}, ...image.guesses[i].filter((g) => g >= 0).map((g) => {
        const hit = g === image.label;
        return make("li", hit ? { class: "hit" } : {}, hit ? "✓ " : "", make("bdi", {}, data.classes[g]), hit ? make("span", { class: "hush" }, " (the truth)") : "");
      })));
    const card = (image) => {
      const name = data.classes[image.label];
      const picture = image.jpeg ? [make("img", { src: "data:image/jpeg;base64," + image.jpeg, alt: "validation image of the class " + name })] : [];
      return make("li", {}, make("div", { class: "top" }, ...picture,
        make("div", { class: "truth" }, make("bdi", {}, name), make("small", {}, image.id))),
      make("div", { class: "both" }, guesses(image, first.value), guesses(image, second.value)));
    };
    const draw = () => {
      const words = filter.value.toLowerCase();
      const pool = data.images.filter((image) => !words || data.classes[image.label].toLowerCase().includes(words));
      const names = [first, second].map((s) => data.contenders[s.value].name);
      const titles = { a: `only ${names[0]}`, b: `only ${names[1]}`, neither: "neither", both: "both" };
      for (const b of kinds) {
        const n = pool.filter((image) => is(image, b.value)).length;
        b.replaceChildren(make("bdi", {}, titles[b.value]), ` (${n})`);
        b.setAttribute("aria-pressed", String(b.value === kind));
      }
      const shown = pool.filter((image) => is(image, kind));
      list.replaceChildren(...shown.slice(0, limit).map(card));
      more.hidden = shown.length <= limit;
      said.textContent = `${Math.min(limit, shown.length)} of ${shown.length} images shown`;
    };
    kinds.forEach((b) => b.addEventListener("click", () => { kind = b.value; limit = PAGE; draw(); }));
    [first, second].forEach((s) => s.addEventListener("change", () => { limit = PAGE; draw(); }));
    filter.addEventListener("input", () => { limit = PAGE; draw(); });
    more.addEventListener("click", () => { limit += PAGE; draw(); });
    draw();
  }
})();
