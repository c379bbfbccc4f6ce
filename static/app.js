// Everything here makes smoother what works without it: pages swap their parts
// in place when there is news, and when a control changes.

const PACE = 2000;
const QUIET = 60000;
const parts = (root) => [...root.querySelectorAll("[data-part][id]")];

/** Another word for `only`, but where the page is a comparison of these arms. */
const ALIAS = location.pathname === "/compare" ? [] : ["arms"];
let loading = null;
let swapping = false;

const POSTED = "form[method=post] :is(select[name],textarea[name],input[name]:not([type=hidden],[type=checkbox],[type=radio],[type=file]))";

/** Fields of forms that are sent, each by what its form is sent to and acts on. */
function posted(part) {
  const found = new Map();
  for (const field of part.querySelectorAll(POSTED)) {
    const form = field.closest("form");
    const of = [...form.querySelectorAll("input[type=hidden]:not([name=force])")].map((h) => `${h.name}=${h.value}`);
    // What follows a question mark says where the form stood, not what it acts on.
    const key = [form.id, form.getAttribute("action")?.split("?")[0], ...of, field.name].join(" ");
    let n = 0;
    while (found.has(`${key} ${n}`)) n += 1;
    found.set(`${key} ${n}`, field);
  }
  return found;
}

/** What the reader has opened, scrolled to, chosen or typed, so that a swap does not take it away. */
function keep(part) {
  const open = new Set([...part.querySelectorAll("details[id][open]")].map((d) => d.id));
  const closed = new Set([...part.querySelectorAll("details[id]:not([open])")].map((d) => d.id));
  const scrolled = [...part.querySelectorAll(".scroll")].map((s) => s.scrollLeft);
  const focus = document.activeElement;
  const typed = [...posted(part)].map(([key, field]) => [key, field.value, field === focus]);
  const within = focus && part.contains(focus) && !typed.some(([, , focused]) => focused) ? address(focus, part) : null;
  const asks = within && focus.matches("select[name],textarea[name],input[name]:not([type=checkbox],[type=radio])") ? { name: focus.name, value: focus.value } : null;
  return (next) => {
    for (const d of next.querySelectorAll("details[id]")) {
      if (open.has(d.id)) d.open = true;
      if (closed.has(d.id)) d.open = false;
    }
    next.querySelectorAll(".scroll").forEach((s, i) => { if (scrolled[i]) s.scrollLeft = scrolled[i]; });
    // A choice that is gone leaves none: what is sent next is never about another run.
    const now = posted(next);
    for (const [key, value, focused] of typed) {
      const field = now.get(key);
      if (!field) continue;
      field.value = value;
      if (focused) field.focus({ preventScroll: true });
    }
    if (within) {
      const again = within.reduce((at, i) => at && at.children[i], next);
      if (again) again.focus({ preventScroll: true });
      if (again && asks && again.name === asks.name && again.value !== asks.value) {
        again.value = asks.value;
        // Set by a script, it would not say that it has changed when it is left.
        again.addEventListener("blur", () => again.dispatchEvent(new Event("change", { bubbles: true })), { once: true });
      }
    }
  };
}

function address(element, root) {
  const path = [];
  for (let at = element; at !== root; at = at.parentElement) path.unshift([...at.parentElement.children].indexOf(at));
  return path;
}

/** Fetches the page at `url` and swaps those of its parts that differ. */
async function refresh(url, quiet) {
  if (loading) loading.abort();
  const mine = (loading = Object.assign(new AbortController(), { quiet }));
  const slow = setTimeout(() => { if (!quiet) document.getElementById("main").setAttribute("aria-busy", "true"); }, 300);
  try {
    const answer = await fetch(url, { headers: { accept: "text/html" }, signal: mine.signal, credentials: "same-origin" });
    if (answer.redirected && new URL(answer.url).pathname === "/login") { location.assign("/login"); return false; }
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of parts(document)) {
      const next = page.getElementById(part.id);
      if (!next || next.isEqualNode(part)) continue;
      const restore = keep(part);
      const fresh = document.importNode(next, true);
      // A field that is being typed into says that it has changed when it is taken away: nobody did.
      swapping = true;
      try {
        part.replaceWith(fresh);
        restore(fresh);
      } finally {
        swapping = false;
      }
    }
    const main = page.getElementById("main");
    if (main && !main.dataset.live) delete document.getElementById("main").dataset.live;
    return true;
  } finally {
    clearTimeout(slow);
    if (loading === mine) {
      loading = null;
      document.getElementById("main").removeAttribute("aria-busy");
    }
  }
}

/** Shows another state of the page; the address stays the state. One without a word would lead
    to the reader's own view, where there is one. */
function go(url, otherwise = () => location.assign(url)) {
  if ([...url.searchParams.keys()].some((key) => key !== "plain")) url.searchParams.delete("plain");
  else if (document.querySelector("#own-view [name=forget]")) url.searchParams.set("plain", "1");
  return refresh(url, false).then(
    (done) => { if (done) { history.replaceState(null, "", url); redraw(); } },
    (error) => { if (error.name !== "AbortError") otherwise(); },
  );
}

/** Controls apply themselves, with the address that the form itself would ask for. */
function controls() {
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form.controls");
    if (swapping || !form || form.method !== "get") return;
    const url = new URL(location.href);
    for (const field of form.elements) if (field.name) url.searchParams.delete(field.name);
    // Places on one axis are none on another.
    const left = event.target.name === "x" ? ["only", "was", "x0", "x1", "budget"] : ["only", "was"];
    const arms = [...form.querySelectorAll("input[name=only]")];
    if (arms.length) for (const name of ["hide", ...ALIAS]) url.searchParams.delete(name);
    for (const [name, value] of new FormData(form)) if (value !== "" && !left.includes(name)) url.searchParams.append(name, value);
    const chosen = arms.filter((a) => a.checked);
    if (chosen.length < arms.length) url.searchParams.set("only", chosen.map((a) => a.value).join(","));
    go(url, () => form.submit());
  });
}

/** News of a run: at most one swap in two seconds, none in a hidden tab. */
function live(main) {
  let source = null;
  let due = null;
  let last = Date.now() - PACE;
  let missed = false;
  let busy = false;
  let again = false;
  let turn = 0;
  const say = (text) => {
    const at = document.getElementById("live-state");
    if (at && at.textContent !== text) at.textContent = text;
  };
  const swap = async () => {
    due = null;
    // What the reader has asked for comes first.
    if (loading && !loading.quiet) { due = setTimeout(swap, PACE); return; }
    const mine = (turn += 1);
    busy = true;
    last = Date.now();
    try {
      await refresh(location.href, true);
      redraw();
      say("live");
    } catch (error) {
      if (error.name !== "AbortError") say("the server does not answer; trying again");
    }
    // One that was given up has a later one at work.
    if (mine !== turn) return;
    busy = false;
    last = Date.now();
    if (!main.dataset.live) stop();
    else if (again) { again = false; news(); }
  };
  const news = () => {
    if (document.hidden) { missed = true; return; }
    // A page that takes longer than the pace is waited for, but not for ever.
    if (busy && Date.now() - last < QUIET) { again = true; return; }
    if (due === null) due = setTimeout(swap, Math.max(0, last + PACE - Date.now()));
  };
  const start = () => {
    if (source || !main.dataset.live) return;
    source = new EventSource(main.dataset.live);
    source.addEventListener("changed", news);
    source.onopen = () => say("live");
    source.onerror = () => say("not live; connecting again");
  };
  const stop = () => {
    if (source) source.close();
    source = null;
    clearTimeout(due);
    due = null;
  };
  // Silence is news too, and nobody tells it.
  setInterval(() => { if (source && Date.now() - last >= QUIET) news(); }, QUIET);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { stop(); missed = true; return; }
    start();
    if (missed) { missed = false; news(); }
  });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => { if (event.persisted) start(); });
  start();
}

// Charts: one crosshair over all that count the same cost, its values in the labels; and one
// over all panels of a run, which count steps, its values in their headings.

const SVG = "http://www.w3.org/2000/svg";
const loaded = new WeakMap();
const said = new WeakMap();
const CHART = "figure.chart, [data-crosshair] [data-metric]";
const charts = () => [...document.querySelectorAll(CHART)].filter((f) => drawing(f));
const drawing = (figure) => figure.querySelector("svg[data-plot]");
/** Where a run's panels stand; nothing for any other chart. */
const panels = (figure) => figure.closest("[data-crosshair]");
/** Whether its page can show a part of it. */
const zooms = (figure) => figure.dataset.cost || (panels(figure) && "zoom" in panels(figure).dataset);
/** Charts of one group move together; one without a group moves alone. */
const group = (figure) => (panels(figure) ? "steps" : figure.dataset.cost || "");

/** Where the axes lie, in the drawing's own units. */
function plot(svg) {
  const [x0, y0, x1, y1] = svg.dataset.plot.split(" ").map(Number);
  const axis = (of) => { const [low, high, scale] = of.split(" "); return { low: +low, high: +high, log: scale === "log" }; };
  return { x0, y0, x1, y1, x: axis(svg.dataset.x), y: svg.dataset.y && axis(svg.dataset.y) };
}
const position = (axis, value) => ((axis.log ? Math.log10(value) : value) - axis.low) / (axis.high - axis.low);
const value = (axis, share) => { const p = axis.low + share * (axis.high - axis.low); return axis.log ? 10 ** p : p; };
const across = (p, v) => p.x0 + position(p.x, v) * (p.x1 - p.x0);

/** The figure's numbers, asked for once. */
function numbers(figure) {
  if (!loaded.has(figure)) {
    const all = panels(figure);
    const url = all ? all.dataset.series + encodeURIComponent(figure.dataset.metric) : figure.dataset.src;
    const asked = fetch(url, { credentials: "same-origin" }).then((a) => (a.ok ? a.json() : null), () => null);
    loaded.set(figure, all ? asked.then((answer) => answer && ofPanel(figure, answer)) : asked);
  }
  return loaded.get(figure);
}

/** A run's series, in the form that the figures' files have. */
function ofPanel(figure, answer) {
  const { metric, kind, title } = figure.dataset;
  const points = answer.stages.flatMap((stage) => stage.points).map((p) => [p.step, p.mean, null, null, p.count]);
  // What is measured holds until it is measured again, as it is drawn.
  const shape = metric.startsWith("validation/") ? "steps" : "joined";
  return { kind, shape, series: [{ arm: metric, label: title, points }] };
}

/** As src/number.rs writes them. */
function written(kind, v) {
  if (v === null) return "not a number";
  const size = Math.abs(v);
  const prefix = Math.min(Math.floor(Math.log10(size) / 3), 6);
  const scaled = v / 1000 ** prefix;
  const cut = (of, digits) => { const s = Math.abs(of); return of.toFixed(Math.max(digits - (s >= 100 ? 3 : s >= 10 ? 2 : s >= 1 ? 1 : 0), 0)); };
  let text;
  if (kind === "share") text = v.toFixed(3);
  else if (kind === "tokens") text = v.toFixed(1);
  else if (size >= 1e3) text = `${cut(scaled, 3)} ${"kMGTPE"[prefix - 1]}`;
  else text = size > 0 && size < 1e-3 ? v.toExponential(2) : cut(v, 4);
  return text.replace(/^-/, "\u2212");
}

/** The point that a chart shows at a place: steps hold, other lines have their nearest. Of an arm
    that spends there is none beyond its data, as in a value at a budget. */
function at(series, x, shape) {
  let best = null;
  if (series.spends && series.end !== null && series.end < 0.95 * x) return null;
  for (const point of series.points) {
    if (shape === "steps" ? point[0] <= x * (1 + 1e-9) : !best || Math.abs(point[0] - x) < Math.abs(best[0] - x)) best = point;
  }
  return best;
}

function hair(figure, x) {
  const svg = drawing(figure);
  const p = plot(svg);
  const place = Math.round(across(p, x));
  const inside = place >= p.x0 - 1 && place <= p.x1 + 1;
  let line = svg.querySelector(".hair");
  if (!inside) { if (line) line.remove(); return; }
  if (!line) {
    line = document.createElementNS(SVG, "path");
    line.setAttribute("class", "hair");
    svg.append(line);
  }
  line.setAttribute("d", `M${place} ${p.y0}V${p.y1}`);
}

async function show(figure, x) {
  hair(figure, x);
  const all = await numbers(figure);
  if (!all || !all.series || crosshair.x !== x) return [];
  const found = [];
  for (const series of all.series) {
    const point = at(series, x, all.shape);
    const label = [...figure.querySelectorAll("g.lb[data-arm]")].find((g) => g.dataset.arm === series.arm);
    const text = panels(figure) ? figure.querySelector("[data-latest]") : label && label.querySelector("text.num");
    if (text) {
      if (!said.has(text)) said.set(text, text.textContent);
      const where = panels(figure) ? ` at ${x}` : point ? `, n = ${point[4]}` : "";
      text.textContent = (point ? written(all.kind, point[1]) : "\u2013") + where;
    }
    if (point) found.push([series.label, point[1], all.kind]);
  }
  return found;
}

const crosshair = { x: null, group: "" };

function together(figure) {
  const own = group(figure);
  return own ? charts().filter((f) => group(f) === own) : [figure];
}

/** What the chart has there; of a run's panels, what all of them have. */
function move(figure, x) {
  const moving = together(figure);
  for (const other of charts()) if (!moving.includes(other)) restore(other);
  crosshair.x = x;
  crosshair.group = group(figure);
  return Promise.all(moving.map((f) => show(f, x))).then((all) => (panels(figure) ? all.flat() : all[moving.indexOf(figure)]));
}

/** Parts of the page are new: what was drawn over them is drawn again. */
function redraw() {
  everySeed();
  const figure = crosshair.x !== null && crosshair.group && charts().find((f) => group(f) === crosshair.group);
  if (figure) move(figure, crosshair.x);
}

function restore(figure) {
  const line = figure.querySelector(".hair");
  if (line) line.remove();
  for (const text of figure.querySelectorAll("g.lb text.num, [data-latest]")) if (said.has(text)) text.textContent = said.get(text);
}

function clear() {
  if (crosshair.x === null) return false;
  crosshair.x = null;
  charts().forEach(restore);
  return true;
}

/** Where the pointer is, in the drawing's units. */
function under(svg, event) {
  const box = svg.getBoundingClientRect();
  const view = svg.viewBox.baseVal;
  return { x: ((event.clientX - box.left) * view.width) / box.width, y: ((event.clientY - box.top) * view.height) / box.height };
}

/** Whole steps with all that was dragged over, one at least. */
function steps([low, high]) {
  const first = Math.max(Math.floor(low), 0);
  return [first, Math.max(Math.ceil(high), first + 1)];
}

function zoom(range) {
  const url = new URL(location.href);
  if (!range && !url.searchParams.has("x0") && !url.searchParams.has("x1")) return;
  url.searchParams.delete("was");
  for (const [i, name] of ["x0", "x1"].entries()) {
    if (range) url.searchParams.set(name, String(range[i])); else url.searchParams.delete(name);
  }
  clear();
  go(url);
}

function pointing() {
  let brush = null;
  let dragged = false;
  const target = (event) => {
    const svg = event.target.closest && event.target.closest("svg[data-plot]");
    const figure = svg && svg.closest(CHART);
    return figure ? { svg, figure, p: plot(svg), at: under(svg, event) } : null;
  };
  const within = (t) => t && t.at.x >= t.p.x0 && t.at.x <= t.p.x1 && t.at.y >= t.p.y0 - 60 && t.at.y <= t.p.y1 + 60;
  const place = (t) => {
    const x = value(t.p.x, (Math.min(Math.max(t.at.x, t.p.x0), t.p.x1) - t.p.x0) / (t.p.x1 - t.p.x0));
    return panels(t.figure) ? Math.round(x) : x;
  };
  document.addEventListener("pointermove", (event) => {
    const t = target(event);
    if (brush && t && t.svg === brush.svg) {
      const to = Math.min(Math.max(t.at.x, t.p.x0), t.p.x1);
      brush.to = to;
      brush.mark.setAttribute("d", `M${Math.round(brush.from)} ${t.p.y0}H${Math.round(to)}V${t.p.y1}H${Math.round(brush.from)}z`);
      return;
    }
    if (within(t)) move(t.figure, place(t)); else if (event.pointerType !== "touch") clear();
  });
  document.addEventListener("pointerdown", (event) => {
    const t = target(event);
    dragged = false;
    if (!within(t) || event.button !== 0 || event.pointerType === "touch" || !zooms(t.figure)) return;
    event.preventDefault();
    const mark = document.createElementNS(SVG, "path");
    mark.setAttribute("class", "brush");
    t.svg.append(mark);
    brush = { svg: t.svg, p: t.p, from: t.at.x, to: t.at.x, mark };
  });
  document.addEventListener("pointerup", () => {
    if (!brush) return;
    const { svg, p, from, to, mark } = brush;
    brush = null;
    mark.remove();
    // Less than half a centimetre is a click.
    if (Math.abs(to - from) < 120) return;
    dragged = true;
    const share = (x) => (x - p.x0) / (p.x1 - p.x0);
    const ends = [Math.min(from, to), Math.max(from, to)].map((x) => value(p.x, share(x)));
    zoom(panels(svg) ? steps(ends) : ends.map((x) => Number(x.toPrecision(6))));
  });
  document.addEventListener("dblclick", (event) => { if (within(target(event))) zoom(null); });
  document.addEventListener("pointerover", (event) => {
    const label = event.target.closest && event.target.closest("figure.chart g.lb[data-arm]");
    for (const svg of document.querySelectorAll("svg.dim")) {
      svg.classList.remove("dim");
      svg.querySelectorAll(".on").forEach((g) => g.classList.remove("on"));
    }
    if (!label) return;
    const svg = label.closest("svg");
    svg.classList.add("dim");
    svg.querySelectorAll("g[data-arm]").forEach((g) => { if (g.dataset.arm === label.dataset.arm) g.classList.add("on"); });
  });
  document.addEventListener("click", (event) => {
    const label = event.target.closest && event.target.closest("figure.chart g.lb[data-arm]");
    if (label && document.querySelector("input[name=only]")) isolate(label.dataset.arm, event.shiftKey);
    const t = target(event);
    if (!dragged && within(t) && panels(t.figure)) samples(panels(t.figure), place(t));
  });
}

/** To what the run wrote at the stored step that is nearest. */
function samples(all, step) {
  const stored = (all.dataset.steps || "").split(" ").filter(Boolean).map(Number);
  if (!stored.length) return;
  const near = (s) => Math.abs(s - step);
  location.assign(all.dataset.samples + stored.reduce((best, s) => (near(s) < near(best) ? s : best)));
}

/** A click shows one arm alone, again all; with shift it takes the one away. */
function isolate(arm, away) {
  const url = new URL(location.href);
  const list = (name) => url.searchParams.getAll(name).join(",").split(",").filter(Boolean);
  const only = ["only", ...ALIAS].flatMap(list);
  const hide = list("hide");
  const set = (name, arms) => { if (arms.length) url.searchParams.set(name, arms.join(",")); else url.searchParams.delete(name); };
  if (away) {
    set("hide", hide.includes(arm) ? hide.filter((a) => a !== arm) : [...hide, arm]);
  } else {
    set("only", only.length === 1 && only[0] === arm ? [] : [arm]);
    set("hide", []);
    for (const name of ALIAS) set(name, []);
  }
  go(url);
}

const REGION = "figure.chart .scroll, [data-crosshair]";

/** Arrows move the crosshair from point to point, with shift by ten; over a run's panels,
    Enter goes to the samples there. */
function keys() {
  document.addEventListener("keydown", async (event) => {
    const region = event.target.closest && event.target.closest(REGION);
    // Links and buttons within it have keys of their own.
    if (!region || event.target !== region) return;
    const figure = region.matches("[data-crosshair]") ? charts().find((f) => panels(f) === region) : region.closest("figure.chart");
    if (!figure || !drawing(figure) || event.ctrlKey || event.altKey || event.metaKey) return;
    const all = panels(figure);
    if (event.key === "Escape") { if (!clear()) zoom(null); return; }
    if (event.key === "Enter" && all && crosshair.x !== null) { samples(all, crosshair.x); return; }
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (!step) return;
    event.preventDefault();
    const known = (await Promise.all((all ? together(figure) : [figure]).map(numbers))).filter((n) => n && n.series);
    const p = plot(drawing(figure));
    const shown = (x) => { const s = position(p.x, x); return s >= -1e-6 && s <= 1 + 1e-6; };
    const places = [...new Set(known.flatMap((n) => n.series).flatMap((s) => s.points.map((q) => q[0])))].filter(shown).sort((a, b) => a - b);
    if (!places.length) return;
    const here = crosshair.x === null ? -1 : places.findLastIndex((x) => x <= crosshair.x * (1 + 1e-9));
    const next = Math.min(Math.max(here + step * (event.shiftKey ? 10 : 1), 0), places.length - 1);
    const x = places[next];
    const found = (await move(figure, x)) || [];
    const svg = drawing(figure);
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const left = across(p, x) * scale;
    if (left < region.scrollLeft || left > region.scrollLeft + region.clientWidth) region.scrollLeft = left - region.clientWidth / 2;
    if (!all) found.sort((a, b) => b[1] - a[1]);
    const top = found.slice(0, all ? 6 : 3).map(([label, v, kind]) => `${label} ${written(kind, v)}`);
    readout(all || figure).textContent = `at ${all ? `step ${x}` : x.toPrecision(3)}: ${top.join(", ")}`;
  });
  document.addEventListener("focusout", (event) => { if (event.target.closest && event.target.closest(REGION)) clear(); });
}

function readout(figure) {
  let at = figure.querySelector("output");
  if (!at) {
    at = document.createElement("output");
    at.className = "readout";
    at.setAttribute("aria-live", "polite");
    figure.append(at);
  }
  return at;
}

/** More runs than elements should be made for: their lines on a canvas over the drawing. */
async function everySeed() {
  for (const figure of document.querySelectorAll("figure.chart[data-every]")) {
    const svg = drawing(figure);
    if (!svg || figure.querySelector("canvas")) continue;
    const canvas = document.createElement("canvas");
    const box = svg.getBoundingClientRect();
    const dense = Math.min(devicePixelRatio || 1, 2);
    [canvas.width, canvas.height] = [box.width * dense, box.height * dense];
    // Its height follows, also where paper has less room.
    canvas.style.width = `${box.width}px`;
    canvas.setAttribute("aria-hidden", "true");
    svg.after(canvas);
    const all = await numbers(figure);
    if (!all || !all.series) continue;
    const p = plot(svg);
    const pen = canvas.getContext("2d");
    const unit = canvas.width / svg.viewBox.baseVal.width;
    pen.scale(unit, unit);
    pen.beginPath();
    pen.rect(p.x0, p.y0, p.x1 - p.x0, p.y1 - p.y0);
    pen.clip();
    pen.lineWidth = 9;
    pen.globalAlpha = 0.45;
    const down = (v) => p.y1 - position(p.y, v) * (p.y1 - p.y0);
    for (const series of all.series) {
      const group = [...svg.querySelectorAll("g[data-arm]")].find((g) => g.dataset.arm === series.arm);
      pen.strokeStyle = getComputedStyle(group || svg.querySelector(".merged") || svg).color;
      pen.setLineDash(series.unsuccessful ? [90, 50] : []);
      for (const seed of series.seeds) {
        pen.beginPath();
        let before = null;
        for (const [x, y] of seed.points) {
          if (p.x.log && x <= 0) continue;
          if (before === null) pen.moveTo(across(p, x), down(y));
          else {
            if (all.shape === "steps") pen.lineTo(across(p, x), down(before));
            pen.lineTo(across(p, x), down(y));
          }
          before = y;
        }
        pen.stroke();
      }
    }
  }
}

/** In a list of completions j and k go from one to the next, g and d where their group's links go,
    r between raw and typeset. */
function reading() {
  document.addEventListener("keydown", (event) => {
    const list = event.target.closest && event.target.closest("[data-keys]");
    if (!list || event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input,select,textarea")) return;
    const all = [...list.querySelectorAll("article")];
    const here = all.indexOf(event.target.closest("article"));
    const step = { j: 1, k: -1 }[event.key];
    if (step && all.length) {
      event.preventDefault();
      all[Math.min(Math.max(here + step, 0), all.length - 1)].focus();
    } else if (["g", "d", "r"].includes(event.key)) {
      const within = event.key === "r" ? document : here < 0 ? list : all[here].closest(".group");
      const link = within.querySelector(`a[data-go=${event.key}]`);
      if (link) link.click();
    }
  });
}

/** Buttons that copy a text: there only where a script may write to the clipboard. */
function copying() {
  if (!navigator.clipboard) return;
  document.documentElement.classList.add("can-copy");
  document.addEventListener("click", async (event) => {
    const button = event.target.closest && event.target.closest("button[data-copy]");
    if (!button) return;
    const say = (word) => { button.textContent = word; };
    try {
      const answer = await fetch(button.dataset.copy, { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
      await navigator.clipboard.writeText(await answer.text());
      say("Copied");
    } catch {
      say("Not copied: take the link");
    }
  });
}

pointing();
keys();
reading();
copying();
everySeed();
controls();
const main = document.getElementById("main");
if (main && main.dataset.live && "EventSource" in window) live(main);
