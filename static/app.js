// Everything here makes smoother what works without it: pages swap their parts
// in place when there is news, and when a control changes.

const PACE = 2000;
const parts = (root) => [...root.querySelectorAll("[data-part][id]")];

let loading = null;

/** What the reader has opened or scrolled to, so that a swap does not take it away. */
function keep(part) {
  const open = new Set([...part.querySelectorAll("details[id][open]")].map((d) => d.id));
  const closed = new Set([...part.querySelectorAll("details[id]:not([open])")].map((d) => d.id));
  const scrolled = [...part.querySelectorAll(".scroll")].map((s) => s.scrollLeft);
  const typed = new Map([...part.querySelectorAll("select[name],input[name]")].map((f) => [f.name, f.value]));
  const focus = document.activeElement;
  const within = focus && part.contains(focus) ? address(focus, part) : null;
  return (next) => {
    for (const d of next.querySelectorAll("details[id]")) {
      if (open.has(d.id)) d.open = true;
      if (closed.has(d.id)) d.open = false;
    }
    next.querySelectorAll(".scroll").forEach((s, i) => { if (scrolled[i]) s.scrollLeft = scrolled[i]; });
    if (within) {
      const again = within.reduce((at, i) => at && at.children[i], next);
      if (again) again.focus({ preventScroll: true });
      if (again && again.name && typed.has(again.name)) again.value = typed.get(again.name);
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
  const mine = (loading = new AbortController());
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
      part.replaceWith(fresh);
      restore(fresh);
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

/** Controls apply themselves; the address stays the state. */
function controls() {
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form.controls");
    if (!form || form.method !== "get") return;
    const url = new URL(location.href);
    for (const [name, value] of new FormData(form)) url.searchParams.set(name, value);
    refresh(url, false).then(
      (done) => { if (done) history.replaceState(null, "", url); },
      (error) => { if (error.name !== "AbortError") form.submit(); },
    );
  });
}

/** News of a run: at most one swap in two seconds, none in a hidden tab. */
function live(main) {
  let source = null;
  let due = null;
  let last = 0;
  let missed = false;
  const say = (text) => {
    const at = document.getElementById("live-state");
    if (at && at.textContent !== text) at.textContent = text;
  };
  const swap = async () => {
    due = null;
    last = Date.now();
    try {
      await refresh(location.href, true);
      say("live");
    } catch (error) {
      if (error.name !== "AbortError") say("the server does not answer; trying again");
    }
    if (!main.dataset.live) stop();
  };
  const news = () => {
    if (document.hidden) { missed = true; return; }
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
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { stop(); missed = true; return; }
    start();
    if (missed) { missed = false; news(); }
  });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => { if (event.persisted) start(); });
  start();
}

controls();
const main = document.getElementById("main");
if (main && main.dataset.live && "EventSource" in window) live(main);
