"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const SVG = "http://www.w3.org/2000/svg";

  /** An element with attributes and children; text is always text. */
  function make(tag, attributes = {}, ...children) {
    const svg = attributes.svg;
    const node = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name !== "svg" && value !== null) node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }
  const draw = (tag, attributes = {}, ...children) => make(tag, { ...attributes, svg: true }, ...children);

  /* ---- light and dark ---- */
  const themes = ["auto", "light", "dark"];
  function remembered() {
    try { return localStorage.getItem("surrobench-theme") || "auto"; } catch { return "auto"; }
  }
  function setTheme(theme) {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    try { localStorage.setItem("surrobench-theme", theme); } catch { /* private window */ }
  }
  for (const button of document.querySelectorAll(".theme")) {
    let theme = themes.includes(remembered()) ? remembered() : "auto";
    const show = () => { setTheme(theme); button.textContent = `Theme: ${theme}`; };
    button.addEventListener("click", () => { theme = themes[(themes.indexOf(theme) + 1) % 3]; show(); });
    show();
  }

  /* ---- contents: folded where they would stand in the way, open beside the text ---- */
  const contents = document.querySelector("nav.contents details");
  const wide = matchMedia("(min-width: 84rem)");
  const fold = () => { contents.open = wide.matches; };
  wide.addEventListener("change", fold);
  fold();

  /* ---- tables: sort, filter, CSV ---- */
  const NUMBER = /^[−+-]?(\d[\d,]*\.?\d*|\.\d+)(e[−+-]?\d+)?/i;
  function valueOf(cell) {
    const text = (cell.dataset.value ?? cell.textContent).trim();
    if (text === "∞") return Infinity;
    const found = NUMBER.exec(text);
    return found ? Number(found[0].replaceAll("−", "-").replaceAll(",", "")) : null;
  }
  function sortable(table) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    const rows = [...body.rows];
    heads.forEach((head, column) => {
      const button = make("button", { type: "button" });
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        order(rows, column, up).forEach((row) => body.append(row));
      });
    });
  }
  function order(rows, column, up) {
    const cells = rows.map((row) => row.cells[column]);
    const numbers = cells.map(valueOf);
    const texts = cells.map((cell) => cell.textContent.trim());
    const empty = texts.map((text) => text === "" || text === "–");
    const numeric = numbers.every((value, i) => value !== null || empty[i]);
    const compare = (a, b) => {
      if (empty[a] !== empty[b]) return empty[a] ? 1 : -1;
      const sign = up ? 1 : -1;
      if (numeric && !empty[a]) return sign * (numbers[a] - numbers[b] || 0);
      return sign * texts[a].localeCompare(texts[b], "en", { numeric: true });
    };
    return rows.map((_, i) => i).sort((a, b) => compare(a, b) || a - b).map((i) => rows[i]);
  }
  /** Columns of words are set to the left; in tables made here they say so themselves. */
  function alignWords(table) {
    const rows = [...table.rows];
    for (let column = 1; column < table.rows[0].cells.length; column++) {
      const cells = rows.slice(1).map((row) => row.cells[column]).filter(Boolean);
      const texts = cells.filter((cell) => !["", "–"].includes(cell.textContent.trim()));
      if (!texts.length || texts.some((cell) => valueOf(cell) !== null)) continue;
      for (const row of rows) row.cells[column]?.classList.add("left");
    }
  }
  function filterable(table, tools) {
    const rows = [...table.tBodies[0].rows];
    const input = make("input", { type: "search", placeholder: "words in a row" });
    const count = make("span", { "aria-live": "polite" });
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const apply = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word));
        shown += row.hidden ? 0 : 1;
      });
      count.textContent = `${shown} of ${rows.length} rows`;
    };
    input.addEventListener("input", apply);
    tools.append(make("label", {}, "Filter", input), count);
    apply();
  }
  function csvOf(table) {
    const quote = (text) => {
      const safe = /^[=+\-@\t\r]/.test(text) && !NUMBER.test(text) ? `'${text}` : text;
      return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    const lines = [...table.rows].filter((row) => !row.hidden);
    return lines.map((row) => [...row.cells].map((cell) => quote(cell.textContent.trim())).join(",")).join("\n") + "\n";
  }
  function download(name, text) {
    const link = make("a", { download: name, href: URL.createObjectURL(new Blob([text], { type: "text/csv" })) });
    link.click();
    URL.revokeObjectURL(link.href);
  }
  for (const table of document.querySelectorAll("table")) {
    if (!table.tHead || !table.tBodies.length) continue;
    alignWords(table);
    sortable(table);
    const box = table.closest(".scroll");
    if (!box || table.tBodies[0].rows.length < 6) continue;
    box.classList.toggle("long", table.tBodies[0].rows.length > 40);
    const tools = make("div", { class: "tools" });
    filterable(table, tools);
    const save = make("button", { type: "button" }, "Save as CSV");
    save.addEventListener("click", () => download(`${box.dataset.name || "table"}.csv`, csvOf(table)));
    tools.append(save);
    box.before(tools);
  }

  /* ---- scales ---- */
  const LOG = { to: Math.log10, back: (t) => 10 ** t };
  const LINEAR = { to: (v) => v, back: (t) => t };
  function linearTicks(low, high, wanted) {
    const raw = (high - low) / Math.max(1, wanted);
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw) || raw;
    const ticks = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step);
    return ticks;
  }
  function logTicks(low, high, wanted) {
    const whole = [];
    for (let p = Math.floor(low); p <= Math.ceil(high); p++) whole.push(p);
    const steps = high - low < 1.2 ? [1, 2, 3, 5, 7] : high - low < 3 ? [1, 2, 5] : [1];
    const all = whole.flatMap((p) => steps.map((s) => p + Math.log10(s))).filter((t) => t >= low - 1e-9 && t <= high + 1e-9);
    if (all.length < 2) return linearTicks(10 ** low, 10 ** high, wanted).map(Math.log10).filter(Number.isFinite);
    const skip = Math.ceil(all.length / (wanted + 2));
    return all.filter((_, i) => i % skip === 0);
  }
  function written(value) {
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size < 1e-3 || size >= 1e6) return value.toExponential(1).replace("e+", "e").replace(".0e", "e");
    return String(Number(value.toPrecision(4))).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",");
  }

  /* ---- markers, as in the figures on paper ---- */
  const turn = (n, r, first) => Array.from({ length: n }, (_, i) => {
    const angle = first + (2 * Math.PI * i) / n;
    return `${(r * Math.cos(angle)).toFixed(2)},${(r * Math.sin(angle)).toFixed(2)}`;
  }).join(" ");
  const UP = -Math.PI / 2;
  const SHAPES = {
    s: turn(4, 4.2, Math.PI / 4), D: turn(4, 4.2, 0), d: "0,-4.6 2.8,0 0,4.6 -2.8,0",
    "^": turn(3, 4.6, UP), v: turn(3, 4.6, -UP), "<": turn(3, 4.6, Math.PI), ">": turn(3, 4.6, 0),
    p: turn(5, 4.2, UP), h: turn(6, 4.2, UP), H: turn(6, 4.2, 0), 8: turn(8, 4, Math.PI / 8),
    P: "-1.4,-4 1.4,-4 1.4,-1.4 4,-1.4 4,1.4 1.4,1.4 1.4,4 -1.4,4 -1.4,1.4 -4,1.4 -4,-1.4 -1.4,-1.4",
    X: "-4,-2 -2,-4 0,-2 2,-4 4,-2 2,0 4,2 2,4 0,2 -2,4 -4,2 -2,0",
    "*": Array.from({ length: 10 }, (_, i) => turn(10, i % 2 ? 2 : 4.8, UP).split(" ")[i]).join(" "),
  };
  /** In the colour of a method on a light page, and in that on a dark one. */
  function painted(node, look) {
    node.style.setProperty("--on-light", look.colour);
    node.style.setProperty("--on-dark", look.dark);
    return node;
  }
  function marker(look, x, y) {
    const style = { class: look.hollow ? "mark hollow" : "mark", "stroke-width": 1.2, transform: `translate(${x.toFixed(1)},${y.toFixed(1)})` };
    if (look.marker in SHAPES) return painted(draw("polygon", { ...style, points: SHAPES[look.marker] }), look);
    return painted(draw("circle", { ...style, r: look.marker === "." ? 2 : 3.4 }), look);
  }
  function swatch(look) {
    const icon = draw("svg", { viewBox: "0 0 30 12", "aria-hidden": "true" });
    icon.append(painted(draw("path", { class: "line", d: "M1,6H29", "stroke-width": 2, "stroke-dasharray": look.dash || null, fill: "none" }), look), marker(look, 15, 6));
    return icon;
  }

  /* ---- line charts ---- */
  const EDGE = { left: 64, right: 12, top: 8, bottom: 38 };
  class Panel {
    constructor(chart, data) {
      this.chart = chart;
      this.data = data;
      this.box = make("div", { class: "panel" });
      if (chart.spec.panels.length > 1) this.box.append(make("h4", {}, data.title));
      this.svg = draw("svg", { tabindex: "0", role: "img", "aria-label": `${chart.spec.y.label} against ${chart.spec.x.label}: ${data.title}` });
      this.tip = make("div", { class: "tip", hidden: "" });
      this.box.append(this.svg, this.tip);
      this.view = null;
      this.listen();
    }
    get ox() { return this.chart.spec.x.log ? LOG : LINEAR; }
    get oy() { return this.chart.log ? LOG : LINEAR; }
    y(value) { return this.oy.to(this.chart.log ? Math.max(value, this.chart.floor) : value); }
    whole() {
      const { shown, spec, grey } = this.chart;
      const xs = [], ys = [], behind = [];
      for (const line of this.data.lines) {
        const own = line.x || this.data.x;
        own.forEach((value, i) => {
          xs.push(this.ox.to(value));
          if (!shown.has(line.m) && shown.size) { if (grey && Number.isFinite(line.y[i])) behind.push(this.y(line.y[i])); return; }
          for (const v of [line.y[i], line.lo?.[i], line.hi?.[i]]) if (Number.isFinite(v)) ys.push(this.y(v));
        });
      }
      const [x0, x1] = range(xs);
      let [y0, y1] = range(ys);
      if (behind.length) {  // grey lines fit as well, unless they lie far away
        const [low, high] = range(behind), span = y1 - y0;
        [y0, y1] = [Math.min(y0, Math.max(low, y0 - span)), Math.max(y1, Math.min(high, y1 + span))];
      }
      const px = spec.x.log ? 0.05 : 0.015;
      return { x0: x0 - px * (x1 - x0), x1: x1 + px * (x1 - x0), y0: y0 - 0.05 * (y1 - y0), y1: y1 + 0.05 * (y1 - y0) };
    }
    draw(width, height) {
      Object.assign(this, { width, height });
      const v = this.view || this.whole();
      this.now = v;
      const right = width - EDGE.right, low = height - EDGE.bottom;
      this.px = (t) => EDGE.left + ((t - v.x0) / (v.x1 - v.x0)) * (right - EDGE.left);
      this.py = (t) => low - ((t - v.y0) / (v.y1 - v.y0)) * (low - EDGE.top);
      this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      const clip = `clip-${this.chart.id}-${this.data.place}`;
      const inside = draw("g", { "clip-path": `url(#${clip})` });
      this.svg.replaceChildren(
        draw("defs", {}, draw("clipPath", { id: clip }, draw("rect", { x: EDGE.left, y: 0, width: right - EDGE.left, height: low + 1 }))),
        this.axes(v, right, low), inside);
      this.points = [];
      const { shown, grey } = this.chart;
      const context = this.data.lines.filter((line) => !shown.has(line.m));
      if (grey) context.forEach((line) => this.line(inside, line, false));
      this.data.lines.filter((line) => shown.has(line.m)).reverse().forEach((line) => this.line(inside, line, true));
      this.inside = inside;
    }
    axes(v, right, low) {
      const group = draw("g");
      const { spec, log } = this.chart;
      const xt = spec.x.log ? this.sizes(v) : linearTicks(v.x0, v.x1, (right - EDGE.left) / 80);
      for (const t of xt) {
        const x = this.px(t);
        if (x < EDGE.left - 1 || x > right + 1) continue;
        group.append(draw("path", { class: "gridline", d: `M${x},${EDGE.top}V${low}` }), label(x, low + 15, "middle", written(this.ox.back(t))));
      }
      const yt = (log ? logTicks : linearTicks)(v.y0, v.y1, (low - EDGE.top) / 38);
      for (const t of yt) {
        const y = this.py(t);
        if (y < EDGE.top - 1 || y > low + 1) continue;
        const floor = log && this.chart.floored && Math.abs(t - Math.log10(this.chart.floor)) < 1e-6;
        group.append(draw("path", { class: "gridline", d: `M${EDGE.left},${y}H${right}` }), label(EDGE.left - 6, y + 4, "end", (floor ? "≤ " : "") + written(this.oy.back(t))));
      }
      group.append(draw("path", { class: "axis", d: `M${EDGE.left},${EDGE.top}V${low}H${right}` }));
      group.append(label((EDGE.left + right) / 2, low + 32, "middle", spec.x.label));
      const name = label(0, 0, "middle", spec.y.label.replace(/ \((larger|smaller|honest).*\)$/, ""));
      name.setAttribute("transform", `translate(12,${(EDGE.top + low) / 2}) rotate(-90)`);
      group.append(name);
      return group;
    }
    sizes(v) {
      const all = [...new Set(this.data.lines.flatMap((line) => line.x || this.data.x))].map(LOG.to).sort((a, b) => a - b);
      if (this.view || all.length > 14) return logTicks(v.x0, v.x1, 5);
      const kept = [];
      for (const t of all) if (!kept.length || this.px(t) - this.px(kept[kept.length - 1]) > 30) kept.push(t);
      return kept;
    }
    line(group, line, coloured) {
      const look = this.chart.spec.methods[line.m];
      const xs = line.x || this.data.x;
      const at = xs.map((x, i) => [this.px(this.ox.to(x)), this.py(this.y(line.y[i])), i]).filter(([, y]) => Number.isFinite(y));
      if (!at.length) return;
      const step = this.chart.spec.step;
      const path = at.map(([x, y], i) => (i === 0 ? `M${x.toFixed(1)},${y.toFixed(1)}` : step ? `H${x.toFixed(1)}V${y.toFixed(1)}` : `L${x.toFixed(1)},${y.toFixed(1)}`)).join("");
      if (coloured && line.lo) group.append(this.band(line, xs, look, step));
      const style = coloured ? { class: "line", "stroke-dasharray": look.dash || null } : { class: "grey" };
      const stroke = painted(draw("path", { ...style, d: path }), look);
      group.append(stroke);
      if (coloured) {
        const every = Math.max(1, Math.ceil(at.length / 8));
        at.forEach(([x, y], i) => { if (i % every === (line.m * 3) % every) group.append(marker(look, x, y)); });
      }
      for (const [x, y, i] of at) this.points.push({ x, y, i, line, stroke, coloured });
    }
    band(line, xs, look, step) {
      const up = [], down = [];
      xs.forEach((value, i) => {
        const x = this.px(this.ox.to(value)), a = this.py(this.y(line.hi[i])), b = this.py(this.y(line.lo[i]));
        if (!Number.isFinite(a) || !Number.isFinite(b)) return;
        if (step && up.length) { up.push([x, up[up.length - 1][1]]); down.push([x, down[down.length - 1][1]]); }
        up.push([x, a]);
        down.push([x, b]);
      });
      const points = [...up, ...down.reverse()].map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
      return painted(draw("polygon", { class: "band", points }), look);
    }
    place(event) {
      const box = this.svg.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * this.width, ((event.clientY - box.top) / box.height) * this.height];
    }
    hover(event) {
      const [x, y] = this.place(event);
      let best = null, least = 900;
      for (const point of this.points) {
        const far = (point.x - x) ** 2 + (point.y - y) ** 2 + (point.coloured ? 0 : 90);
        if (far < least) { least = far; best = point; }
      }
      this.point(best);
    }
    point(best) {
      this.svg.querySelector(".near")?.classList.remove("near");
      this.tip.hidden = !best;
      if (!best) return;
      best.stroke.classList.add("near");
      const { line, i } = best;
      const xs = line.x || this.data.x;
      const interval = line.lo && Number.isFinite(line.lo[i]) ? ` [${written(line.lo[i])}, ${written(line.hi[i])}]` : "";
      this.tip.textContent = `${this.chart.spec.methods[line.m].name}\n${written(xs[i])}: ${written(line.y[i])}${interval}`;
      const scale = this.svg.getBoundingClientRect().width / this.width;
      const left = best.x * scale + (best.x > this.width / 2 ? -this.tip.offsetWidth - 10 : 10);
      this.tip.style.left = `${Math.max(0, left)}px`;
      this.tip.style.top = `${this.svg.offsetTop + Math.max(0, best.y * scale - this.tip.offsetHeight - 8)}px`;
    }
    zoom(factor, x, y) {
      const v = this.now;
      const cx = x ?? (v.x0 + v.x1) / 2, cy = y ?? (v.y0 + v.y1) / 2;
      this.look({ x0: cx + (v.x0 - cx) * factor, x1: cx + (v.x1 - cx) * factor, y0: cy + (v.y0 - cy) * factor, y1: cy + (v.y1 - cy) * factor });
    }
    shift(dx, dy) {
      const v = this.now, w = (v.x1 - v.x0) * dx, h = (v.y1 - v.y0) * dy;
      this.look({ x0: v.x0 + w, x1: v.x1 + w, y0: v.y0 + h, y1: v.y1 + h });
    }
    look(view) {
      this.view = view;
      this.point(null);
      this.draw(this.width, this.height);
    }
    inverse([x, y]) {
      const v = this.now;
      return [v.x0 + ((x - EDGE.left) / (this.width - EDGE.right - EDGE.left)) * (v.x1 - v.x0),
        v.y0 + ((this.height - EDGE.bottom - y) / (this.height - EDGE.bottom - EDGE.top)) * (v.y1 - v.y0)];
    }
    listen() {
      let start = null, box = null;
      this.svg.addEventListener("pointerdown", (event) => {
        if (event.pointerType !== "mouse" || event.button !== 0) return;
        start = this.place(event);
        box = draw("rect", { class: "box" });
        this.svg.append(box);
        this.svg.setPointerCapture(event.pointerId);
      });
      this.svg.addEventListener("pointermove", (event) => {
        if (!start) { this.hover(event); return; }
        const [x, y] = this.place(event);
        for (const [name, value] of Object.entries({ x: Math.min(x, start[0]), y: Math.min(y, start[1]), width: Math.abs(x - start[0]), height: Math.abs(y - start[1]) })) box.setAttribute(name, value);
      });
      this.svg.addEventListener("pointerup", (event) => {
        if (!start) return;
        const end = this.place(event), from = start;
        start = null;
        box.remove();
        if (Math.abs(end[0] - from[0]) < 8 || Math.abs(end[1] - from[1]) < 8) return;
        const [a, b] = [this.inverse(from), this.inverse(end)];
        this.look({ x0: Math.min(a[0], b[0]), x1: Math.max(a[0], b[0]), y0: Math.min(a[1], b[1]), y1: Math.max(a[1], b[1]) });
      });
      this.svg.addEventListener("pointerleave", () => this.point(null));
      this.svg.addEventListener("dblclick", () => this.look(null));
      this.svg.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && document.activeElement !== this.svg) return;
        event.preventDefault();
        this.zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, ...this.inverse(this.place(event)));
      }, { passive: false });
      this.svg.addEventListener("keydown", (event) => {
        const act = {
          "+": () => this.zoom(1 / 1.3), "=": () => this.zoom(1 / 1.3), "-": () => this.zoom(1.3), 0: () => this.look(null),
          ArrowLeft: () => this.shift(-0.1, 0), ArrowRight: () => this.shift(0.1, 0), ArrowUp: () => this.shift(0, 0.1), ArrowDown: () => this.shift(0, -0.1),
        }[event.key];
        if (act) { event.preventDefault(); act(); }
      });
    }
  }
  function range(values) {
    let low = Infinity, high = -Infinity;
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    if (low > high) return [0, 1];
    return low === high ? [low - 0.5 * (Math.abs(low) || 1), high + 0.5 * (Math.abs(high) || 1)] : [low, high];
  }
  function label(x, y, anchor, text) {
    return draw("text", { x, y, "text-anchor": anchor }, text);
  }

  class Chart {
    constructor(box, id, spec) {
      this.box = box;
      this.id = id;
      this.spec = spec;
      if (this.spec.measures) this.measure(0);
      this.log = this.spec.y.log;
      this.grey = true;
      this.chosen = new Set(this.spec.methods.flatMap((method, i) => (method.on ? [i] : [])));
      this.shown = new Set(this.chosen);
      this.spec.panels.forEach((panel, place) => { panel.place = place; });
      this.panels = this.spec.panels.map((panel) => new Panel(this, panel));
      this.only = this.panels.length > 8 ? 0 : null;
      this.setFloor();
      this.area = make("div", { class: "panels" });
      this.box.append(this.tools(), this.area, this.legend());
      new ResizeObserver(() => this.draw()).observe(this.area);
    }
    /** Take the scores of one of several measures. */
    measure(place) {
      this.spec.y = this.spec.measures[place];
      for (const line of this.spec.panels.flatMap((panel) => panel.lines)) {
        const [y, half] = line.all[place];
        line.y = y;
        line.lo = half.length ? y.map((value, i) => (half[i] === null ? NaN : value - half[i])) : null;
        line.hi = half.length ? y.map((value, i) => (half[i] === null ? NaN : value + half[i])) : null;
      }
    }
    setFloor() {
      let least = Infinity, none = false;
      for (const panel of this.spec.panels) for (const line of panel.lines) for (const y of line.y) {
        if (y > 0) least = Math.min(least, y); else if (y <= 0) none = true;
      }
      this.positive = Number.isFinite(least);
      this.floor = none ? 10 ** Math.floor(Math.log10(least)) : least * 0.5;
      this.floored = none;
      if (!this.positive) this.log = false;
    }
    tools() {
      const bar = make("div", { class: "tools" });
      const button = (text, act) => { const b = make("button", { type: "button" }, text); b.addEventListener("click", act); bar.append(b); return b; };
      if (this.spec.measures) {
        const select = make("select", { "aria-label": "Measure" });
        this.spec.measures.forEach((measure, i) => select.append(make("option", { value: i }, measure.label)));
        select.addEventListener("change", () => {
          this.measure(Number(select.value));
          this.log = this.spec.y.log;
          this.setFloor();
          if (this.logBox) this.logBox.checked = this.log;
          this.reset();
        });
        bar.append(make("label", {}, "Measure", select));
      }
      if (this.only !== null) {
        const select = make("select", { "aria-label": "Task" });
        this.spec.panels.forEach((panel, i) => select.append(make("option", { value: i }, panel.title)));
        select.addEventListener("change", () => { this.only = Number(select.value); this.draw(true); });
        bar.append(make("label", {}, "Task", select));
      }
      button("All", () => this.show(this.spec.methods.map((_, i) => i)));
      button("Chosen", () => this.show(this.chosen));
      button("None", () => this.show([]));
      const grey = make("input", { type: "checkbox", checked: "" });
      grey.addEventListener("change", () => { this.grey = grey.checked; this.draw(true); });
      bar.append(make("label", {}, grey, "others in grey"));
      if (this.positive) {
        const log = make("input", { type: "checkbox" });
        log.checked = this.log;
        this.logBox = log;
        log.addEventListener("change", () => { this.log = log.checked; this.reset(); });
        bar.append(make("label", {}, log, "logarithmic y"));
      }
      button("Reset zoom", () => this.reset());
      bar.append(make("span", { class: "mouse" }, "Drag, or click and scroll, to zoom"));
      return bar;
    }
    legend() {
      const box = make("div", { class: "legend", role: "group", "aria-label": "Methods" });
      this.keys = this.spec.methods.map((method, i) => {
        const key = make("button", { type: "button", "aria-pressed": String(this.shown.has(i)) }, swatch(method), method.name);
        key.addEventListener("click", () => {
          if (this.shown.has(i)) this.shown.delete(i); else this.shown.add(i);
          this.show(this.shown);
        });
        box.append(key);
        return key;
      });
      return box;
    }
    show(methods) {
      this.shown = new Set(methods);
      this.keys.forEach((key, i) => key.setAttribute("aria-pressed", String(this.shown.has(i))));
      this.draw(true);
    }
    reset() {
      this.panels.forEach((panel) => { panel.view = null; });
      this.draw(true);
    }
    draw(again = false) {
      const width = this.area.clientWidth;
      if (width < 120 || (!again && width === this.drawn)) return;
      this.drawn = width;
      const panels = this.only === null ? this.panels : [this.panels[this.only]];
      const columns = Math.min(panels.length, width > 900 ? 3 : width > 560 ? 2 : 1);
      this.area.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
      const own = Math.floor((width - 16 * (columns - 1)) / columns);
      this.area.replaceChildren(...panels.map((panel) => panel.box));
      panels.forEach((panel) => panel.draw(own, Math.round(Math.min(480, Math.max(230, own * (columns === 1 ? 0.5 : 0.72))))));
    }
  }
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) start(entry.target);
  }, { rootMargin: "600px" });
  const started = new Map();
  /** The content of compressed JSON (zlib) in base64. */
  async function unpacked(text) {
    const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).json();
  }
  function start(box) {
    if (started.has(box)) return;
    const id = started.size, script = box.querySelector("script");
    started.set(box, id);
    seen.unobserve(box);
    if (script.type === "application/json") new Chart(box, id, JSON.parse(script.textContent));
    else unpacked(script.textContent).then(
      (spec) => new Chart(box, id, spec),
      () => box.append(make("p", {}, "This browser cannot unpack the chart; its numbers are in the files beside this page.")),
    );
  }
  const boxes = [...document.querySelectorAll(".chart")];
  boxes.forEach((box) => seen.observe(box));
  addEventListener("beforeprint", () => boxes.forEach(start));

  /* ---- pictures: a large view that scrolls and zooms ---- */
  const dialog = make("dialog", { class: "large", "aria-label": "Figure" });
  const stage = make("div", { class: "stage" });
  let picture = null, size = 1;
  const resize = (factor) => {
    size = Math.min(8, Math.max(0.5, size * factor));
    picture.style.width = `${size * 100}%`;
  };
  const tool = (text, act) => { const b = make("button", { type: "button" }, text); b.addEventListener("click", act); return b; };
  dialog.append(make("div", { class: "bar" }, tool("Smaller", () => resize(1 / 1.3)), tool("Larger", () => resize(1.3)), tool("Close", () => dialog.close())), stage);
  document.body.append(dialog);
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    resize(event.deltaY > 0 ? 1 / 1.15 : 1.15);
  }, { passive: false });
  stage.addEventListener("pointermove", (event) => { if (event.buttons === 1) stage.scrollBy(-event.movementX, -event.movementY); });
  for (const image of document.querySelectorAll(".sheet img, .sheet > svg")) {
    const open = () => {
      picture = image.cloneNode(true);
      picture.removeAttribute("tabindex");
      stage.replaceChildren(picture);
      dialog.showModal();
      // never smaller than on the page, which a narrow window would make it
      size = Math.max(1, (1.3 * image.getBoundingClientRect().width) / (stage.clientWidth || 1));
      resize(1);
    };
    image.setAttribute("tabindex", "0");
    image.setAttribute("role", "button");
    image.setAttribute("aria-label", `Enlarge: ${image.parentElement.dataset.title}`);
    image.addEventListener("click", open);
    image.addEventListener("keydown", (event) => { if (event.key === "Enter") open(); });
  }
  stage.addEventListener("dragstart", (event) => event.preventDefault());

  /* ---- drawings: methods that can be switched off ---- */
  for (const box of document.querySelectorAll(".switches")) {
    const drawing = box.previousElementSibling;
    const legend = make("div", { class: "legend", role: "group", "aria-label": "Methods" });
    for (const method of JSON.parse(box.querySelector("script").textContent)) {
      const parts = drawing.querySelectorAll(`[data-method="${method.id}"]`);
      const key = make("button", { type: "button", "aria-pressed": "true" }, swatch(method), method.name);
      key.addEventListener("click", () => {
        const on = key.getAttribute("aria-pressed") !== "true";
        key.setAttribute("aria-pressed", String(on));
        for (const part of parts) part.style.display = on ? "" : "none";
      });
      legend.append(key);
    }
    box.append(legend);
  }
})();
