"""What holds for every page, in both themes, in every way of reading it."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from pages import PAGE

#: What may not be wider than the window, and by how much it is.
WIDER = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const inside = (e) => { for (let at = e.parentElement; at; at = at.parentElement)
    if (["auto", "scroll", "hidden"].includes(getComputedStyle(at).overflowX)) return true; return false; };
  return [...document.querySelectorAll("body *")]
    .filter((e) => e.getBoundingClientRect().right > room + 0.5 && !inside(e))
    .map((e) => `${e.tagName}.${e.className.baseVal ?? e.className} to ${Math.round(e.getBoundingClientRect().right)} of ${room}`)
    .concat([`the page to ${document.documentElement.scrollWidth} of ${room}`]);
}"""

#: What the keyboard must reach, each marked with a number.
MARK = """() => {
  const wanted = "a[href],button,input:not([type=hidden]),select,textarea,summary,[tabindex='0']";
  // A picture whose links stand beside it as a list leaves them to the list.
  const shown = (e) => e.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }) && !e.disabled && e.tabIndex >= 0;
  const all = [...document.querySelectorAll(wanted)].filter(shown);
  // Of radio buttons of one name, Tab reaches one.
  const radios = new Set();
  const kept = all.filter((e) => {
    if (e.type !== "radio") return true;
    if (radios.has(e.name)) return false;
    radios.add(e.name);
    return true;
  });
  kept.forEach((e, i) => { e.dataset.reach = i; });
  return kept.map((e) => `${e.tagName} ${(e.textContent || e.name || e.ariaLabel || "").trim().slice(0, 40)}`);
}"""

#: Where the focus is, and whether one can see that it is there.
FOCUS = """() => {
  // Who presses the label of a box presses the box.
  const target = (e) => (e.matches("[type=checkbox],[type=radio]") && e.closest("label") || e).getBoundingClientRect();
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const style = getComputedStyle(e);
  const box = e.getBoundingClientRect();
  return {
    mark: e.dataset.reach ?? (e.type === "radio" ? document.querySelector(`[name="${e.name}"][data-reach]`)?.dataset.reach : undefined),
    what: `${e.tagName} ${(e.textContent || e.name || "").trim().slice(0, 40)}`,
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    small: e.matches("button,input,select,textarea,summary") && target(e).height < 23.5,
  };
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_found_by_axe_nor_refused_by_the_policy_nor_said_on_the_console(
    every, site, theme
):
    seen = every.read(color_scheme=theme)
    found = Axe().run(seen.page).response["violations"]
    told = [f"{v['id']}: {v['help']}: {n['html'][:160]}" for v in found for n in v["nodes"][:3]]
    assert told == []
    assert seen.violations() == []
    # Chromium itself tells the console of a page whose status is an error.
    allowed = str(every.entry.status) if every.entry.status >= 400 else None
    assert [c for c in seen.complaints if not (allowed and allowed in c)] == []
    assert seen.dialogs == [], "something on the page ran"
    assert [u for u in seen.requests if not u.startswith((site["url"], "data:"))] == []
    assert seen.page.locator("h1").count() == 1
    # A canvas has its size from the script, as no attribute of the page's own.
    assert seen.page.locator("[style]:not(canvas)").count() == 0
    background = seen.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (theme == "light")


@pytest.mark.parametrize(
    "width", [320, 640, 1280], ids=["320-px", "1280-px-at-200-percent", "1280-px"]
)
def test_no_page_is_wider_than_its_window(every, width):
    assert every.read(width=width, height=512).page.evaluate(WIDER) == []


def test_every_control_is_reached_by_tab_and_shows_it(every):
    live = every.read().page.locator("main[data-live]").count()
    page = every.visit(every.entry, live=False).page if live else every.read().page
    page.keyboard.press("Tab")
    first = page.evaluate(FOCUS)
    assert first["what"].startswith("A Skip to content") and first["inside"], first
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    within = page.evaluate(
        "document.activeElement === document.body || document.getElementById('main').contains(document.activeElement)"
    )
    assert within, "the skip link leads past the navigation"

    wanted = page.evaluate(MARK)
    page.evaluate("document.activeElement.blur(); document.documentElement.scrollTo(0, 0)")
    page.locator("body").click(position={"x": 1, "y": 1})
    reached, unseen, small = set(), [], []
    for _ in range(len(wanted) + 5):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUS)
        if at is None or (at["mark"] in reached and at["mark"] == "0"):
            break
        if not (at["outlined"] and at["inside"]):
            unseen.append(at)
        if at["small"]:
            small.append(at["what"])
        reached.add(at["mark"])
    missed = [what for i, what in enumerate(wanted) if str(i) not in reached]
    assert missed == []
    assert unseen == [], "focused, but one cannot see it"
    assert small == [], "a control under 24 px"


def test_the_page_stands_without_a_script(every):
    with_script = every.read().page
    without = every.visit(every.entry, listen=False, java_script_enabled=False).page
    for what in ["h1", "h2", "main table", "main svg", "main form", "main tbody tr"]:
        assert without.locator(what).count() == with_script.locator(what).count(), what
    for form in without.locator("main form").all():
        # Those that stand elsewhere and name their form are among its elements.
        sends = form.evaluate("(f) => [...f.elements].filter((e) => e.type === 'submit').length")
        assert sends > 0, "a form without a button"
    assert without.locator("main noscript").count() == 0


def test_print_shows_what_is_folded_and_cuts_nothing_off(every):
    # A4 between margins of 1 cm, in css px.
    page = every.read(width=718, height=1000, media="print").page
    folded = page.evaluate(
        """() => [...document.querySelectorAll("main details > :not(summary)")]
        .filter((e) => e.textContent.trim() && !e.closest("form")
          && !e.checkVisibility({ contentVisibilityAuto: true }))
        .map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert folded == []
    assert page.evaluate(WIDER) == []
    cut = page.evaluate(
        """() => [...document.querySelectorAll("main *")]
        .filter((e) => getComputedStyle(e).overflowX !== "visible" && e.scrollWidth > e.clientWidth + 1
          && !(e instanceof SVGElement) && e.clientWidth > 0 && !["SELECT", "INPUT", "BUTTON"].includes(e.tagName))
        .map((e) => `${e.tagName}.${e.className} shows ${e.clientWidth} of ${e.scrollWidth}`)"""
    )
    assert cut == []
    background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_chosen_colours_keep_dash_marker_and_label(every):
    page = every.read(forced_colors="active").page
    lost = page.evaluate(
        """() => {
          const paper = getComputedStyle(document.documentElement).backgroundColor;
          const lost = [];
          for (const e of document.querySelectorAll("svg .ln, svg .mk, svg text")) {
            const style = getComputedStyle(e);
            const ink = e.tagName === "text" ? style.fill : style.stroke;
            if (ink === "none" || ink === paper) lost.push(`${e.outerHTML.slice(0, 80)}: ${ink} on ${paper}`);
          }
          for (const e of document.querySelectorAll("svg .alt .ln, svg .fail .ln, svg .part, svg .held"))
            if (getComputedStyle(e).strokeDasharray === "none") lost.push(`no dash: ${e.outerHTML.slice(0, 80)}`);
          for (const e of document.querySelectorAll("svg [data-arm]"))
            if (getComputedStyle(e).opacity !== "1") lost.push(`faded: ${e.dataset.arm}`);
          return lost;
        }"""
    )
    assert lost == []


def test_the_seeded_pages_show_what_they_are_here_for(visit):
    """So that no other test passes on an empty page."""
    tree = visit(PAGE["tree"]).page
    assert tree.locator("svg.tree circle").count() == 25
    assert tree.locator("svg.calibration circle").count() > 3
    assert tree.locator("#numbers table").count() == 2
    assert visit(PAGE["trees"]).page.locator("#trees tbody tr").count() == 2
    judged = visit(PAGE["prm-text"]).page
    assert judged.locator("#text meter").count() == 2
    assert judged.locator("svg.calibration circle").count() > 1
    wrong = visit(PAGE["new-with-errors"]).page
    assert wrong.locator("#errors li").count() >= 2
    assert wrong.locator("[aria-invalid=true]").count() >= 2
    assert "Nothing to compare yet" in visit(PAGE["compare-empty"]).page.locator("main").text_content()
    arms = visit(PAGE["compare-arms"]).page
    assert arms.locator("#values tbody tr").count() >= 3
    assert arms.locator("svg.forest .fail").count() > 0, "the forest marks unsuccessful arms"
    assert arms.locator("#training svg.curves g.lb").count() >= 2
    assert "R1-Zero" in visit(PAGE["cost-by-arm"]).page.locator("main").text_content()


def test_the_seeded_states_are_the_ones_that_the_pages_are_named_after(visit):
    def main(name):
        return visit(PAGE[name]).page.locator("main")

    assert main("experiment-other-questions").locator("#beyond table tbody tr").count() > 8
    old = main("experiment-of-old-data")
    assert "0123456789abcdef" in old.text_content()
    half = main("experiment-half").text_content()
    assert "Its machine was shared with another program." in half, "a run is left out"
    assert "One seed has collapsed." in half, "it was amended"
    every = main("run-with-all-metrics").locator("[data-metric]").count()
    assert every > main("run-of-several-stages").locator("[data-metric]").count()
    assert main("run-of-a-decoder").locator("#evaluations tbody tr").count() > 0
    assert "Left out of the comparison" in main("run-excluded").text_content()
    assert main("samples-beside").locator(".beside > div").count() >= 2
    withheld = main("experiment-waiting").locator("#verdict .alert")
    assert "registered no unsuccessful-attempt baselines" in withheld.text_content()
    assert main("experiment-kept").locator("#kept").count() == 1
    assert "that is not the admin token" in main("login-refused").text_content()
    assert "collapsed by you" in main("compare-collapsed").text_content()
    assert "onmouseover=alert(1)" in main("cost-hostile").text_content()
    assert main("new-from-hostile").locator("#f-arms input").count() == 5
    hostile = main("graveyard-hostile")
    assert hostile.locator("section.grave").count() >= 2, "the rule calls some unsuccessful"
    assert "onmouseover=alert(1)" in hostile.text_content()
    assert "<script>alert(1)</script>" in hostile.text_content(), "written out"
    assert main("compare-hostile").locator("#values tbody tr").count() >= 4
    assert main("trees-hostile").locator("#trees tbody tr").count() == 2
    assert "<script>alert(1)</script>" in main("tree-hostile").text_content()
    assert "<script>alert(1)</script>" in main("prm-text-hostile").text_content()
    hostile = main("run-hostile-metrics")
    hidden = "odd/⟨U+202E⟩live⟨U+00AD⟩ <b>⟨U+061C⟩' \"⟨U+E0041⟩"
    assert hidden in hostile.locator("#panels").text_content()
    assert hidden in hostile.locator("#ledger").text_content()
    assert not set("\u202e\u00ad\u061c\U000e0041") & set(hostile.text_content())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_unsuccessful_arm_is_drawn_as_strongly_as_any_other(visit, theme):
    page = visit(PAGE["experiment-twelve"], color_scheme=theme).page
    marked = page.locator("#verdicts .unsuccessful").count()
    assert marked > 0, "the seeded experiment has unsuccessful arms"
    assert page.locator("#verdicts tbody tr").count() == 11
    assert page.locator("#figures svg .fail").count() > 0, "charts mark unsuccessful arms"
    strength = """(selector) => [...new Set([...document.querySelectorAll(selector)].map((e) => {
      const s = getComputedStyle(e), g = getComputedStyle(e.closest("[data-arm]"));
      return [s.opacity, s.strokeOpacity, s.filter, s.visibility, s.strokeWidth, g.opacity, g.filter, g.display].join(" ");
    }))]"""
    failed = page.evaluate(strength, "#figures .fail .ln:not(.part):not(.held)")
    others = page.evaluate(strength, "#figures [data-arm]:not(.fail) .ln:not(.part):not(.held)")
    assert set(failed) <= set(others)
    dashes = page.evaluate(
        "[...document.querySelectorAll('#figures .fail .ln')].map((e) => getComputedStyle(e).strokeDasharray)"
    )
    assert "none" not in dashes
