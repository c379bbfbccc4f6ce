"""On paper, without colours, without some of them, without motion; and how soon the crosshair
follows the mouse."""

import re

import pytest
from playwright.sync_api import expect

from pages import PAGE
from test_charts import MILESTONES, PANELS, TRAINING, place

#: Of the median, and of 95 moves in 100: other programs may be at work here, and take some of them.
HOVER_MS, LATE_MS = 8, 50
MOVES = 40

#: By chart and arm, what tells an arm's line from the others when no colour does.
SIGNS = """(selector) => [...document.querySelectorAll(selector)].map((svg) => {
  const arms = {};
  for (const g of svg.querySelectorAll("g.s[data-arm]")) {
    const of = (arms[g.dataset.arm] ??= { fail: false, dash: "", marker: "", name: "", label: "" });
    of.fail ||= g.classList.contains("fail");
    const line = g.querySelector(".ln:not(.part):not(.held):not(.thin)");
    if (line) of.dash = getComputedStyle(line).strokeDasharray;
    const marker = g.querySelector(".mk:not(.crash)");
    // The outline, from its first point on.
    if (marker) of.marker = marker.getAttribute("d").replace(/^M[-0-9]+ [-0-9]+/, "").split("M")[0];
    if (!g.classList.contains("lb")) continue;
    const words = [...g.querySelectorAll("text")].map((t) => t.textContent.trim());
    of.name = words[0];
    of.label = words.join(" ");
  }
  return Object.values(arms);
})"""

#: What is drawn in the colour of the paper, or in none.
UNSEEN = """() => {
  const paper = getComputedStyle(document.documentElement).backgroundColor;
  const drawn = "svg .ln,svg .axis,svg .grid,svg .budget,svg .zero,svg .pareto,svg .lead,svg .dot,svg .mk.open";
  const lost = [...document.querySelectorAll(drawn)].filter((e) => ["none", paper].includes(getComputedStyle(e).stroke));
  const texts = [...document.querySelectorAll("svg text")].filter((e) => ["none", paper].includes(getComputedStyle(e).fill));
  return [...lost, ...texts].map((e) => `${e.outerHTML.slice(0, 80)} on ${paper}`);
}"""

MOVING = """() => {
  const still = (list, none) => list.split(",").every((part) => part.trim() === none);
  return [...document.querySelectorAll("*")].flatMap((e) => [null, "::before", "::after"].map((part) => [e, getComputedStyle(e, part)]))
    .filter(([, s]) => !still(s.transitionDuration, "0s") || !still(s.animationName, "none") || s.scrollBehavior !== "auto")
    .map(([e]) => e.outerHTML.slice(0, 80))
    .concat(document.getAnimations().map((a) => `${a.constructor.name} is running`));
}"""

#: Milliseconds from each move of the pointer until all that it changes is laid out.
HOVER = """async ([selector, from, to, y, moves]) => {
  const svg = document.querySelector(selector);
  const later = () => new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(0);
  });
  const times = [], places = new Set();
  for (let i = 0; i < moves; i++) {
    const at = { bubbles: true, pointerType: "mouse", clientX: from + (to - from) * i / moves, clientY: y };
    const begun = performance.now();
    svg.dispatchEvent(new PointerEvent("pointermove", at));
    await later();
    svg.closest("main").getBoundingClientRect();
    times.push(performance.now() - begun);
    places.add(svg.querySelector(".hair").getAttribute("d"));
  }
  return [times, places.size];
}"""


DISPLAY = "(e) => getComputedStyle(e).display"


def told_apart(page):
    charts = page.evaluate(SIGNS, f"{MILESTONES} svg, {TRAINING} svg")
    assert len(charts) == 2 and len(charts[0]) == 12 and len(charts[1]) > 8
    for arms in charts:
        names = [arm["name"] for arm in arms]
        assert all(names) and len(set(names)) == len(names), names
        assert all("unsuccessful" in arm["label"] for arm in arms if arm["fail"]), names
        ordinary = [(arm["dash"], arm["marker"]) for arm in arms if not arm["fail"]]
        assert len(ordinary) > 2 and len(set(ordinary)) == len(ordinary), ordinary
        failed = [arm for arm in arms if arm["fail"]]
        assert failed, "the seeded experiment has unsuccessful arms"
        for arm in failed:
            assert arm["dash"] != "none" and (arm["dash"], arm["marker"]) not in ordinary, arm


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_chosen_colours_leave_lines_that_are_seen_and_told_apart(visit, theme):
    page = visit(
        PAGE["experiment-twelve"], live=False, forced_colors="active", color_scheme=theme
    ).page
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    assert page.evaluate(UNSEEN) == []
    told_apart(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("seen_as", ["deuteranopia", "protanopia", "achromatopsia"])
def test_who_does_not_see_all_colours_tells_lines_apart(visit, pictures, seen_as, theme):
    """The pictures are for a person to look at."""
    page = visit(PAGE["experiment-twelve"], live=False, color_scheme=theme).page
    told_apart(page)
    figure = page.locator(MILESTONES)
    every = figure.screenshot()
    browser = page.context.new_cdp_session(page)
    browser.send("Emulation.setEmulatedVisionDeficiency", {"type": seen_as})
    fewer = figure.screenshot(path=pictures / f"milestones-{theme}-{seen_as}.png")
    assert fewer != every, "the colours are those that others see"


def written(string):
    """What a PDF's text string says, without its spaces: some are lost where a line is broken."""
    if string.startswith(b"<"):
        text = bytes.fromhex(string[1:-1].decode()).decode("utf-16")
    else:
        octal = re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m[1], 8)]), string[1:-1])
        text = re.sub(rb"\\(.)", rb"\1", octal).decode("latin-1")
    return "".join(text.split())


def strings(file, key):
    found = re.findall(rb"/%s (\((?:[^\\()]|\\.)*\)|<[0-9A-Fa-f]*>)" % key, file)
    return {written(string) for string in found}


def squeezed(texts):
    return {"".join(text.split()) for text in texts}


def test_a_printed_experiment_has_its_question_its_headings_and_its_figures(visit):
    page = visit(PAGE["experiment-twelve"], live=False).page
    headings = page.locator("main h1, main h2").all_text_contents()
    drawings = page.locator("main figure.chart svg").evaluate_all(
        "(all) => all.map((e) => e.getAttribute('aria-label'))"
    )
    assert "Which recipe" in headings[0] and len(headings) > 8 and len(drawings) > 4
    file = page.pdf(format="A4", tagged=True, outline=True)
    sheets = re.findall(rb"/Type\s*/Page\b(?!s)", file)
    assert 3 < len(sheets) < 60
    assert squeezed(headings) - strings(file, b"Title") == set()
    assert squeezed(drawings) - strings(file, b"Alt") == set()


@pytest.mark.parametrize(
    "name", ["experiment-twelve", "run", "queue", "samples", "graveyard", "cost", "compare"]
)
def test_paper_has_no_controls_and_keeps_headings_and_figures_whole(visit, name):
    page = visit(PAGE[name], live=False).page
    controls = "button, select, textarea, input:not([type=hidden]), header.site, .skip"
    shown = f"""() => [...document.querySelectorAll("{controls}")]
      .filter((e) => e.checkVisibility()).map((e) => e.outerHTML.slice(0, 80))"""
    assert page.evaluate(shown) != [], "a screen has them"
    page.emulate_media(media="print")
    assert page.evaluate(shown) == []
    assert page.locator("h1").is_visible()
    broken = page.evaluate(
        """() => [...document.querySelectorAll("main figure")]
        .filter((e) => getComputedStyle(e).breakInside !== "avoid")
        .concat([...document.querySelectorAll("main h2, main h3, main caption, main summary")]
          .filter((e) => getComputedStyle(e).breakAfter !== "avoid"))
        .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert broken == []


def test_a_chart_under_the_mouse_is_printed_as_if_it_were_not(visit):
    page = visit(PAGE["experiment-twelve"], live=False).page
    x, y, _ = place(page.locator(MILESTONES), 0.5)
    page.mouse.move(x, y)
    hair = page.locator(f"{MILESTONES} .hair")
    expect(hair).to_have_count(1)
    assert hair.evaluate(DISPLAY) != "none"
    page.emulate_media(media="print")
    assert hair.evaluate(DISPLAY) == "none"
    page.emulate_media(media="screen")
    page.locator(f"{MILESTONES} g.lb[data-arm] text").first.hover()
    faint = f"""[...document.querySelectorAll('{MILESTONES} g.s')].filter((e) => getComputedStyle(e).opacity !== "1").length"""
    assert page.evaluate(faint) > 0
    page.emulate_media(media="print")
    assert page.evaluate(faint) == 0


@pytest.mark.parametrize("name", ["experiment-twelve", "run", "samples", "tree"])
def test_nothing_moves_for_who_asked_for_less_motion(visit, name):
    page = visit(PAGE[name], live=False, reduced_motion="reduce").page
    assert page.evaluate("matchMedia('(prefers-reduced-motion: reduce)').matches")
    assert page.evaluate(MOVING) == []
    folded = page.locator("main details > summary:visible")
    if folded.count():
        folded.first.click()
    page.keyboard.press("Tab")
    assert page.evaluate(MOVING) == []


BUSY = """() => {
  document.getElementById("main").setAttribute("aria-busy", "true");
  const bar = getComputedStyle(document.getElementById("main"), "::before");
  return [bar.height, bar.position, bar.animationName];
}"""


def test_a_page_that_waits_for_news_has_a_thin_bar_which_moves_for_who_likes_that(visit):
    moving = visit(PAGE["queue"], live=False, reduced_motion="no-preference").page
    assert moving.evaluate(BUSY) == ["3px", "fixed", "busy"]
    still = visit(PAGE["queue"], live=False, reduced_motion="reduce").page
    assert still.evaluate(BUSY) == ["3px", "fixed", "none"]
    still.emulate_media(media="print")
    assert still.evaluate(BUSY)[0] != "3px"


@pytest.mark.parametrize(
    "name, chart, svg",
    [
        ("experiment-twelve", MILESTONES, f"{MILESTONES} svg[data-plot]"),
        ("run", PANELS, f"{PANELS} svg[data-plot]"),
    ],
    ids=["experiment", "run"],
)
def test_the_crosshair_follows_the_mouse_at_once(visit, name, chart, svg):
    page = visit(PAGE[name], live=False).page
    first = page.locator(chart).first
    from_x, y, _ = place(first, 0.1)
    to_x, _, _ = place(first, 0.9)
    # The numbers of every chart that moves with it are asked for once, at the first move.
    page.mouse.move(from_x, y)
    expect(first.locator(".hair")).to_be_attached()
    page.wait_for_load_state("networkidle")
    times, places = page.evaluate(HOVER, [svg, from_x, to_x, y, MOVES])
    times.sort()
    print(name, [round(ms, 1) for ms in times[:: MOVES // 8]], "ms")
    assert places > MOVES / 2, "the line has moved"
    median, late = times[MOVES // 2], times[int(0.95 * MOVES) - 1]
    assert median < HOVER_MS and late < LATE_MS, f"median {median:.1f} ms, p95 {late:.1f} ms"
