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

  // Opens what a part of the page is folded into; whether it was.
  const unfold = (node) => {
    let was = false;
    for (let fold = node?.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      was ||= !fold.open;
      fold.open = true;
    }
    return was;
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

  // What a reader has chosen, in the address: each part of the page adds how it writes itself and how it is read again.
  const states = [];
  let ready = false;
  const keep = () => {
    if (!ready) return;
    const chosen = new URLSearchParams(), anchor = location.hash.slice(1).split("?")[0];
    states.forEach((state) => state.write(chosen));
    const hash = "#" + anchor + ([...chosen].length ? "?" + chosen : "");
    if (hash !== (location.hash || "#")) history.replaceState(null, "", hash);
  };

  // Tables: sort by a heading, filter rows, export what is shown.
  const collator = new Intl.Collator(undefined, { numeric: true }); // made once: a thousand rows sort at once
  const key = (cell) => cell.dataset.v ?? cell.textContent.trim();
  const sort = (table, index, heading, down = heading.getAttribute("aria-sort") === "ascending") => {
    $$("th", table.tHead).forEach((th) => th.setAttribute("aria-sort", "none"));
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const numeric = heading.classList.contains("num"), sign = down ? -1 : 1;
    const compare = (a, b) => {
      if (a.k === "" || b.k === "") return (a.k === "") - (b.k === "");
      return sign * (numeric ? a.k - b.k : collator.compare(a.k, b.k));
    };
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, k: row.cells[index].title ? row.cells[index].textContent.trim() : key(row.cells[index]) })).sort(compare);
    table.tBodies[0].append(...rows.map((r) => r.row));
  };
  // What a table holds as it is shown now: its caption, and rows of cells; ``raw`` for programs, ``text`` for people.
  const held = (table) => {
    const of = (cells, raw) => [...cells].map((cell) => (raw ? key(cell) : $("button", cell)?.textContent ?? cell.textContent).trim());
    const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
    const right = [...table.tHead.rows[0].cells].map((th) => th.classList.contains("num"));
    return { caption: table.caption.textContent, right, head: of(table.tHead.rows[0].cells), text: rows.map((r) => of(r.cells)), raw: rows.map((r) => of(r.cells, true)) };
  };
  const csv = ({ head, raw }) => {
    // A leading = + - @ would be run as a formula by a spreadsheet; numbers are left alone.
    const cell = (text) => {
      const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? "'" + text : text;
      return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    return "\ufeff" + [head, ...raw].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
  };
  const markdown = ({ head, text, right }) => {
    const line = (cells) => `| ${cells.join(" | ")} |`;
    const safe = (row) => row.map((cell) => cell.replace(/[\\|*_`<[\]]/g, "\\$&").replace(/\s+/g, " "));
    return [line(safe(head)), line(right.map((r) => (r ? "---:" : "---"))), ...text.map((row) => line(safe(row)))].join("\n") + "\n";
  };
  const TEX = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "\u00a0": "~", "−": "$-$", "–": "--", "×": "$\\times$", "<": "$<$", ">": "$>$", "…": "\\ldots{}", "·": "$\\cdot$", "κ": "$\\kappa$", "ε": "$\\varepsilon$", "≥": "$\\geq$", "≤": "$\\leq$", "∞": "$\\infty$", "→": "$\\to$" };
  const latex = ({ caption, head, text, right }) => {
    const safe = (cell) => cell.replace(/[\\{}$&#%_~^]|\u00a0|[−–×<>…·κε≥≤∞→]/g, (c) => TEX[c] ?? "\\" + c).replace(/\s+/g, " ");
    const line = (cells) => `    ${cells.map(safe).join(" & ")} \\\\`;
    return ["% \\usepackage{booktabs}", "\\begin{table}", `  \\caption{${safe(caption)}}`, `  \\begin{tabular}{${right.map((r) => (r ? "r" : "l")).join("")}}`, "    \\toprule", line(head), "    \\midrule", ...text.map(line), "    \\bottomrule", "  \\end{tabular}", "\\end{table}"].join("\n") + "\n";
  };
  const forms = { csv: [csv, "text/csv"], md: [markdown, "text/markdown"], tex: [latex, "application/x-tex"] };
  for (const box of $$(".table")) {
    const table = $("table", box), count = $(".count", box), filter = $("input", box), total = table.tBodies[0].rows.length;
    const headings = $$("thead th", table);
    headings.forEach((th, i) => $("button", th).addEventListener("click", () => { sort(table, i, th); keep(); }));
    const narrow = () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of table.tBodies[0].rows) {
        row._text ??= [row.textContent, ...[...row.cells].map((cell) => cell.title)].join(" ").toLowerCase(); // specifications, too
        row.hidden = !words.every((word) => row._text.includes(word));
        shown += !row.hidden;
      }
      count.textContent = words.length ? `${shown} of ${total} rows` : "";
    };
    filter?.addEventListener("input", () => { narrow(); keep(); });
    states.push({
      write: (to) => {
        const by = headings.findIndex((th) => th.getAttribute("aria-sort") !== "none");
        if (by >= 0) to.set(box.id + ".sort", (headings[by].getAttribute("aria-sort") === "descending" ? "-" : "") + (by + 1));
        if (filter?.value) to.set(box.id + ".find", filter.value);
      },
      read: (from) => {
        const by = from.get(box.id + ".sort") ?? "", heading = headings[Math.abs(Number(by)) - 1];
        if (heading) sort(table, headings.indexOf(heading), heading, by.startsWith("-"));
        if (filter && filter.value !== (from.get(box.id + ".find") ?? "")) { filter.value = from.get(box.id + ".find") ?? ""; narrow(); }
        if (by || filter?.value) unfold(box);
      },
    });
    for (const [ending, [write, type]] of Object.entries(forms)) {
      $("." + ending, box).addEventListener("click", () => {
        const url = URL.createObjectURL(new Blob([write(held(table))], { type }));
        const link = make("a", { href: url, download: `${box.id.slice(2)}.${ending}` });
        document.body.append(link);
        link.click();
        link.remove();
        setTimeout(() => URL.revokeObjectURL(url), 1000);
      });
    }
  }

  // A shade at the right edge of a box that holds more than it shows.
  const boxes = $$(".scroll");
  const shade = (box) => box.classList.toggle("more", box.scrollLeft + box.clientWidth < box.scrollWidth - 2);
  boxes.forEach((box) => box.addEventListener("scroll", () => shade(box), { passive: true }));
  const watch = new ResizeObserver((entries) => entries.forEach((entry) => shade(entry.target)));
  boxes.forEach((box) => watch.observe(box)); // also when the box of a closed part of the page is opened

  // Charts say their numbers: under the pointer, or with the arrow keys once a chart has the focus.
  const tip = $("#tip"), live = $("#live");
  const opens = (mark) => mark.dataset.open && explorerOf(mark);
  let current = null, keyed = false;
  const show = (mark, byKey = false) => {
    current = mark;
    keyed = byKey;
    $$(".m.on").forEach((other) => other.classList.remove("on"));
    if (!mark) { tip.style.display = "none"; return; }
    mark.classList.add("on");
    tip.textContent = mark.dataset.tip + (opens(mark) ? " (click, or Enter: these images)" : "");
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
  // Points are walked along x; rows and cells as they are read.
  const walk = (plot) => {
    const marks = $$("[data-tip]", plot).filter((m) => m.dataset.tip && m.getClientRects().length);
    const at = new Map(marks.map((m) => [m, m.getBoundingClientRect()]));
    const middle = (m) => at.get(m).left + at.get(m).width / 2;
    if (marks.some((m) => m.tagName === "rect" && m.matches(".row, .cell"))) return marks;
    return marks.sort((a, b) => (Math.abs(middle(a) - middle(b)) < 0.5 ? at.get(a).top - at.get(b).top : middle(a) - middle(b)));
  };
  for (const plot of $$(".plot")) {
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") return show(null);
      if (event.key === "Enter" && current && opens(current)) {
        event.preventDefault(); // or the button that gets the focus would be pressed
        return open(current);
      }
      if (!step) return undefined;
      event.preventDefault();
      const marks = walk(plot);
      if (!marks.length) return undefined;
      const now = marks.findIndex((m) => m.classList.contains("on"));
      const next = marks[now < 0 ? 0 : (now + step + marks.length) % marks.length];
      show(next, true);
      live.textContent = tip.textContent;
      return undefined;
    });
    plot.addEventListener("blur", () => show(null));
  }
  // A mark that stands for images opens them in the explorer of its data set.
  const explorerOf = (node) => $(".explorer", node.closest(".study") ?? root);
  const open = (mark) => {
    const box = explorerOf(mark);
    unfold(box);
    show(null);
    box.only(new URLSearchParams(mark.dataset.open));
    box.scrollIntoView({ block: "start" });
    $(".only button", box).focus({ preventScroll: true });
  };
  document.addEventListener("click", (event) => {
    const mark = event.target.closest?.("[data-open]");
    if (mark && opens(mark)) open(mark);
  });

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
      c.best = c.first && bytes(c.first);
    }
    const [first, second] = $$("select", box), kinds = $$("fieldset button", box);
    const list = $(".cells", box), more = $(".more-button", box), filter = $("input", box), said = $(".count", box);
    const nothing = $(".nothing", box), enlarged = $(".enlarged", box), note = $(".only", box);
    data.contenders.forEach((c, i) => [first, second].forEach((select, j) => select.append(make("option", i === j ? { value: i, selected: "" } : { value: i }, c.name))));
    let kind = "a", limit = PAGE, only = null; // kind "": whoever gets them; only: what a mark of a chart stands for
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
    // The picture in grey, and a contender's colour where a grey square costs it its answer most.
    const looked = (i, c) => {
      const [rows, columns, packed] = data.maps[i][c], shares = bytes(packed), side = 168;
      const who = data.contenders[c], canvas = make("canvas", { width: side, height: side, role: "img", "aria-label": `where a grey square costs ${who.name} its answer`, class: "t-" + who.tone });
      const image = new Image();
      image.addEventListener("load", () => {
        const scale = side / Math.max(image.naturalWidth, image.naturalHeight), wide = image.naturalWidth * scale, high = image.naturalHeight * scale;
        const frame = [(side - wide) / 2, (side - high) / 2, wide, high], context = canvas.getContext("2d");
        const map = make("canvas", { width: columns, height: rows }), small = map.getContext("2d"), pixels = small.createImageData(columns, rows);
        const colour = getComputedStyle(canvas).getPropertyValue("--tone").trim().match(/[0-9a-f]{2}/gi)?.map((two) => parseInt(two, 16)) ?? [0, 0, 0];
        shares.forEach((share, j) => pixels.data.set([...colour, 0.85 * share], 4 * j));
        small.putImageData(pixels, 0, 0);
        context.filter = "grayscale(1) brightness(0.8) contrast(0.8)";
        context.drawImage(image, ...frame);
        context.filter = "none";
        context.drawImage(map, ...frame);
      });
      image.src = source(i);
      return make("figure", {}, canvas, make("figcaption", { class: "t-" + who.tone }, make("bdi", {}, who.name)));
    };
    const card = (i) => {
      const name = data.classes[labels[i]], picture = [];
      if (data.pictures[i]) {
        const open = make("button", { type: "button", class: "zoom", "aria-label": "Enlarge the picture of " + name }, make("img", { src: source(i), alt: "validation image of the class " + name }));
        open.addEventListener("click", () => enlarge(i));
        picture.push(open);
      }
      const maps = data.pictures[i] && data.maps[i] ? [first.value, second.value].filter((c) => data.maps[i][c]).map((c) => looked(i, c)) : [];
      return make("li", {}, make("div", { class: "top" }, ...picture,
        make("div", { class: "truth" }, make("bdi", {}, name), make("small", {}, data.ids[i]))),
      ...(maps.length ? [make("div", { class: "maps" }, ...maps)] : []),
      make("div", { class: "both" }, guesses(i, data.contenders[first.value]), guesses(i, data.contenders[second.value])));
    };
    const draw = () => {
      const words = filter.value.trim().toLowerCase(), a = data.contenders[first.value], b = data.contenders[second.value];
      const wanted = data.classes.map((name, c) => name.toLowerCase().includes(words) && (!only || only.of.includes(c)));
      const counts = { a: 0, b: 0, neither: 0, both: 0 }, shown = [];
      for (let i = 0; i < labels.length; i++) {
        if (!wanted[labels[i]] || (only?.by && only.by.best[i] !== only.as)) continue;
        const [x, y] = [a.gets(i), b.gets(i)], which = x && y ? "both" : x ? "a" : y ? "b" : "neither";
        counts[which]++;
        if ((!kind || which === kind) && i < data.ids.length) shown.push(i);
      }
      const titles = { a: `only ${a.name}`, b: `only ${b.name}`, neither: "neither", both: "both" };
      for (const button of kinds) {
        button.replaceChildren(make("bdi", {}, titles[button.value]), ` (${counts[button.value].toLocaleString("en")})`);
        button.setAttribute("aria-pressed", String(button.value === kind));
      }
      note.hidden = !only;
      const those = only && (only.of.length > 4 ? `${only.of.length} classes` : only.of.map((c) => brief(data.classes[c])).join(", "));
      const taken = only?.by && (only.of[0] === only.as ? ` that ${only.by.name} gets at the first guess` : ` that ${only.by.name} takes for ${brief(data.classes[only.as])}`);
      $("span", note).textContent = only ? `Only ${those}${taken || ""}.` : "";
      list.replaceChildren(...shown.slice(0, limit).map(card));
      more.hidden = shown.length <= limit;
      const all = kind ? counts[kind] : counts.a + counts.b + counts.neither + counts.both;
      const total = all.toLocaleString("en"), missing = shown.length < all ? `; this page holds ${shown.length} of them` : "";
      said.textContent = shown.length ? `showing ${Math.min(limit, shown.length)} of ${total}${missing}` : "";
      const of = words ? ` of a class with “${filter.value.trim()}” in its name` : "";
      const who = { a: ` that only ${a.name} gets`, b: ` that only ${b.name} gets`, neither: " that neither gets", both: " that both get", "": "" }[kind];
      nothing.hidden = shown.length > 0;
      nothing.textContent = shown.length ? "" : all ? `There are ${total} images${of}${who}, but this page holds none of them.` : `There is no image${of}${who}.`;
    };
    const again = () => { limit = PAGE; draw(); keep(); };
    kinds.forEach((b) => b.addEventListener("click", () => { kind = b.value; again(); }));
    [first, second].forEach((s) => s.addEventListener("change", again));
    filter.addEventListener("input", again);
    more.addEventListener("click", () => { limit += PAGE; draw(); });
    const restrict = (asked) => {
      const of = (asked.get("of") ?? "").split(".").map(Number).filter((c) => c in data.classes), by = data.contenders[asked.get("by")];
      only = asked.has("of") && of.length ? { of, as: Number(asked.get("as")), by: by?.best && by } : null;
    };
    box.only = (asked) => {
      restrict(asked);
      [first.value, second.value, filter.value, kind] = [0, 1, "", ""]; // the two that the chart is about
      again();
    };
    $("button", note).addEventListener("click", () => { only = null; again(); first.focus(); });
    const id = box.closest("section")?.id ?? "explorer";
    states.push({
      write: (to) => {
        if (first.value !== "0" || second.value !== "1") to.set(id + ".pair", `${first.value}.${second.value}`);
        if (kind !== "a") to.set(id + ".who", kind || "any");
        if (filter.value) to.set(id + ".class", filter.value);
        if (only) to.set(id + ".of", [only.of.join("."), ...(only.by ? [only.as, data.contenders.indexOf(only.by)] : [])].join(" "));
      },
      read: (from) => {
        const pair = (from.get(id + ".pair") ?? "0.1").split(".").filter((c) => c in data.contenders), who = from.get(id + ".who") ?? "a";
        [first.value, second.value] = pair.length === 2 ? pair : [0, 1];
        kind = ["a", "b", "neither", "both"].includes(who) ? who : "";
        filter.value = from.get(id + ".class") ?? "";
        const [of, as, by] = (from.get(id + ".of") ?? "").split(" ");
        restrict(new URLSearchParams({ ...(of && { of }), ...(by && { as, by }) }));
        limit = PAGE;
        draw();
        if ([...from.keys()].some((name) => name.startsWith(id + "."))) unfold(box);
      },
    });
    draw();
  }

  // The address says what is shown, behind the anchor: #s1-explorer?s1-explorer.pair=0.2 opens the page as it was left.
  const split = () => { const [anchor, ...rest] = location.hash.slice(1).split("?"); return [anchor, new URLSearchParams(rest.join("?"))]; };
  const decoded = (text) => { try { return decodeURIComponent(text); } catch { return ""; } }; // no valid address leads nowhere
  const restore = () => {
    const [anchor, asked] = split(), part = document.getElementById(decoded(anchor)), chosen = [...asked].length > 0;
    if (chosen) states.forEach((state) => state.read(asked));
    const was = unfold(part?.matches("section") ? $(".explorer", part) ?? part : part); // its section's link leads to it
    if (chosen || was) part?.scrollIntoView();
    if (!chosen) keep();
  };
  ready = true;
  restore();
  addEventListener("hashchange", restore);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    if (link && link.hash === location.hash) restore(); // the same address again tells nobody that it has changed
  });
})();
