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

  // The disagreement explorer. Labels and hits are there for all images; ids, pictures and guesses for the first of them.
  const PAGE = 12, NONE = 65535;
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const score = (value, probable) => {
    if (!probable) return value.toPrecision(3).replace("-", "−");
    return value > 0 && value < 0.005 ? "<1 %" : Math.round(100 * value) + " %";
  };
  const brief = (name) => name.split(",")[0]; // of a synset's names the first
  for (const box of $$(".explorer")) {
    const data = JSON.parse($("script", box).textContent);
    const labels = new Uint16Array(bytes(data.labels).buffer);
    for (const c of data.contenders) {
      const bits = bytes(c.hits);
      c.gets = (i) => (bits[i >> 3] >> (i & 7)) & 1;
      c.guesses = new Uint16Array(bytes(c.guesses).buffer);
      c.scores = new Float32Array(bytes(c.scores).buffer);
    }
    const [first, second] = $$("select", box), kinds = $$("fieldset button", box);
    const list = $(".cells", box), more = $(".more-button", box), filter = $("input", box), said = $(".count", box);
    const nothing = $(".nothing", box), enlarged = $(".enlarged", box);
    data.contenders.forEach((c, i) => [first, second].forEach((select, j) => select.append(make("option", i === j ? { value: i, selected: "" } : { value: i }, c.name))));
    let kind = "a", limit = PAGE;
    const guesses = (i, c) => {
      const per = c.guesses.length / data.ids.length, items = [];
      for (let j = per * i; j < per * (i + 1) && c.guesses[j] !== NONE; j++) {
        const hit = c.guesses[j] === labels[i];
        items.push(make("li", hit ? { class: "hit" } : {}, make("span", { title: data.classes[c.guesses[j]] }, hit ? "✓\u00a0" : "", make("bdi", {}, brief(data.classes[c.guesses[j]])), hit ? make("span", { class: "hush" }, " (the truth)") : ""), " ", make("small", {}, score(c.scores[j], c.probable))));
      }
      return make("div", { class: "t-" + c.tone }, make("bdi", { class: "side" }, c.name), make("ol", {}, ...items));
    };
    const source = (i) => "data:image/jpeg;base64," + data.pictures[i];
    const enlarge = (i) => {
      const name = data.classes[labels[i]], image = $("img", enlarged);
      image.src = source(i);
      image.alt = "validation image of the class " + name;
      $("p", enlarged).textContent = name + " · " + data.ids[i];
      enlarged.showModal();
    };
    enlarged.addEventListener("click", () => enlarged.close());
    const card = (i) => {
      const name = data.classes[labels[i]], picture = [];
      if (data.pictures[i]) {
        const open = make("button", { type: "button", class: "zoom", "aria-label": "Enlarge the picture of " + name }, make("img", { src: source(i), alt: "validation image of the class " + name }));
        open.addEventListener("click", () => enlarge(i));
        picture.push(open);
      }
      return make("li", {}, make("div", { class: "top" }, ...picture,
        make("div", { class: "truth" }, make("bdi", {}, name), make("small", {}, data.ids[i]))),
      make("div", { class: "both" }, guesses(i, data.contenders[first.value]), guesses(i, data.contenders[second.value])));
    };
    const draw = () => {
      const words = filter.value.trim().toLowerCase(), a = data.contenders[first.value], b = data.contenders[second.value];
      const wanted = data.classes.map((name) => name.toLowerCase().includes(words));
      const counts = { a: 0, b: 0, neither: 0, both: 0 }, shown = [];
      for (let i = 0; i < labels.length; i++) {
        if (!wanted[labels[i]]) continue;
        const [x, y] = [a.gets(i), b.gets(i)], which = x && y ? "both" : x ? "a" : y ? "b" : "neither";
        counts[which]++;
        if (which === kind && i < data.ids.length) shown.push(i);
      }
      const titles = { a: `only ${a.name}`, b: `only ${b.name}`, neither: "neither", both: "both" };
      for (const button of kinds) {
        button.replaceChildren(make("bdi", {}, titles[button.value]), ` (${counts[button.value].toLocaleString("en")})`);
        button.setAttribute("aria-pressed", String(button.value === kind));
      }
      list.replaceChildren(...shown.slice(0, limit).map(card));
      more.hidden = shown.length <= limit;
      const total = counts[kind].toLocaleString("en"), held = shown.length < counts[kind] ? `; this page holds ${shown.length} of them` : "";
      said.textContent = shown.length ? `showing ${Math.min(limit, shown.length)} of ${total}${held}` : "";
      const of = words ? ` of a class with “${filter.value.trim()}” in its name` : "";
      const who = { a: `only ${a.name} gets`, b: `only ${b.name} gets`, neither: "neither gets", both: "both get" }[kind];
      nothing.hidden = shown.length > 0;
      nothing.textContent = shown.length ? "" : counts[kind] ? `There are ${total} images${of} that ${who}, but this page holds none of them.` : `There is no image${of} that ${who}.`;
    };
    kinds.forEach((b) => b.addEventListener("click", () => { kind = b.value; limit = PAGE; draw(); }));
    [first, second].forEach((s) => s.addEventListener("change", () => { limit = PAGE; draw(); }));
    filter.addEventListener("input", () => { limit = PAGE; draw(); });
    more.addEventListener("click", () => { limit += PAGE; draw(); });
    draw();
  }
})();
