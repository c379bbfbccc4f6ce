"""What a script adds to the charts: one crosshair over all panels of a run and over all charts
of one cost, clicks, keys and a brush; and that nothing is lost without it."""

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from pages import PAGE

PANELS = "[data-crosshair] [data-metric]"
COSTS = "figure.chart[data-cost]"
MILESTONES = 'figure.chart[data-src*="/milestones.json"]'
TRAINING = 'figure.chart[data-src*="/training.json"]'

#: Where the crosshair stands in each chart, in what the axis counts; nothing where it has none.
HAIRS = """(selector) => [...document.querySelectorAll(selector)]
  .filter((e) => e.querySelector("svg[data-plot]"))
  .map((e) => {
    const svg = e.querySelector("svg[data-plot]"), hair = svg.querySelector(".hair");
    if (!hair) return null;
    const [x0, , x1] = svg.dataset.plot.split(" ").map(Number);
    const [low, high] = svg.dataset.x.split(" ").map(Number);
    const at = Number(hair.getAttribute("d").slice(1).split(" ")[0]);
    return low + ((at - x0) / (x1 - x0)) * (high - low);
  })"""

#: Of a share of a chart's x axis: its place in the window, and what the axis has there.
PLACE = """(svg, share) => {
  const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
  const [x0, y0, x1, y1] = svg.dataset.plot.split(" ").map(Number);
  const [low, high] = svg.dataset.x.split(" ").map(Number);
  return [
    box.left + ((x0 + share * (x1 - x0)) * box.width) / view.width,
    box.top + (((y0 + y1) / 2) * box.height) / view.height,
    low + share * (high - low),
  ];
}"""

ARMS = """(selector) => [...new Set([...document.querySelectorAll(`${selector} svg g.lb[data-arm]`)].map((g) => g.dataset.arm))]"""


def place(chart, share):
    svg = chart.locator("svg[data-plot]")
    svg.scroll_into_view_if_needed()
    return svg.evaluate(PLACE, share)


def point_at(page, chart, share):
    """Moves the mouse there; says what the axis has there."""
    x, y, value = place(chart, share)
    page.mouse.move(x, y)
    return value


def series(page, metric):
    """The points of a run's curve, as the page's script asks for them."""
    base = page.locator(".panels").get_attribute("data-series")
    return page.request.get(base + metric).json()["stages"][0]["points"]


def latest(page, metric):
    return page.locator(f'[data-metric="{metric}"] [data-latest]')


def test_the_mouse_over_one_panel_draws_the_line_in_all_of_them(visit):
    seen = visit(PAGE["run"])
    page = seen.page
    panels = page.locator(PANELS).count()
    assert panels >= 8
    before = page.locator("[data-latest]").all_text_contents()
    at = point_at(page, page.locator(PANELS).nth(1), 0.5)
    expect(page.locator(f"{PANELS} .hair")).to_have_count(panels)
    # To a pixel: of 200 steps on 280 px.
    assert all(abs(x - at) < 2 for x in page.evaluate(HAIRS, PANELS))
    step = round(at)
    length = min(series(page, "train/completion_length"), key=lambda p: abs(p["step"] - step))
    shown = latest(page, "train/completion_length")
    expect(shown).to_have_text(f"{length['mean']:.1f} at {step}")
    held = [p for p in series(page, "validation/pass_at_1") if p["step"] <= step][-1]
    expect(latest(page, "validation/pass_at_1")).to_have_text(f"{held['mean']:.3f} at {step}")
    page.mouse.move(2, 2)
    expect(page.locator(f"{PANELS} .hair")).to_have_count(0)
    assert page.locator("[data-latest]").all_text_contents() == before
    assert seen.complaints == [] and seen.violations() == []


def test_the_keyboard_moves_the_line_through_a_runs_panels(visit):
    page = visit(PAGE["run"]).page
    region = page.locator(".panels")
    said = region.locator("output[aria-live=polite]")
    steps = sorted({p["step"] for m in page.locator(PANELS).evaluate_all(
        "(all) => all.map((e) => e.dataset.metric)") for p in series(page, m)})

    def press(key, place):
        page.keyboard.press(key)
        expect(said).to_contain_text(f"at step {steps[place]}:")
        hairs = page.evaluate(HAIRS, PANELS)
        assert all(abs(x - steps[place]) < 2 for x in hairs) and hairs

    region.focus()
    press("ArrowRight", 0)
    press("ArrowRight", 1)
    press("Shift+ArrowRight", 11)
    press("ArrowLeft", 10)
    press("End", len(steps) - 1)
    press("Home", 0)
    page.keyboard.press("Escape")
    expect(page.locator(f"{PANELS} .hair")).to_have_count(0)


@pytest.mark.parametrize("how", ["click", "Enter"])
def test_a_step_of_a_curve_leads_to_what_the_run_wrote_there(visit, how):
    page = visit(PAGE["run"]).page
    stored = [int(s) for s in page.locator(".panels").get_attribute("data-steps").split()]
    target = stored[len(stored) // 2]
    assert len(stored) > 2 and stored[1] - stored[0] > 4
    chart = page.locator(PANELS).first
    low, high, _ = chart.locator("svg[data-plot]").get_attribute("data-x").split()
    share = (target + 1 - float(low)) / (float(high) - float(low))
    # The focus may move the page under the mouse.
    page.locator(".panels").focus()
    x, y, _ = place(chart, share)
    if how == "click":
        page.mouse.click(x, y)
    else:
        page.mouse.move(x, y)
        page.wait_for_selector(f"{PANELS} .hair", state="attached")
        page.keyboard.press("Enter")
    page.wait_for_url("**/samples?**")
    assert parse_qs(urlsplit(page.url).query)["step"] == [str(target)]
    assert f"Step {target}, group 1" in page.locator("main").text_content()


def test_one_crosshair_stands_in_all_charts_of_one_cost(visit):
    seen = visit(PAGE["experiment-twelve"])
    page = seen.page
    chart = page.locator(MILESTONES)
    label = chart.locator('g.lb[data-arm="zero"] text.num')
    before = label.text_content()
    at = point_at(page, chart, 0.55)
    expect(page.locator(f"{MILESTONES} .hair")).to_have_count(1)
    expect(page.locator(f"{TRAINING} .hair")).to_have_count(1)
    spans = page.locator(COSTS).count()
    assert spans >= 2
    for x in page.evaluate(HAIRS, f"{MILESTONES}, {TRAINING}"):
        assert abs(x - at) < 0.005 * at
    numbers = page.request.get(chart.get_attribute("data-src")).json()
    own = next(s for s in numbers["series"] if s["arm"] == "zero")
    held = [p for p in own["points"] if p[0] <= at][-1]
    expect(label).to_have_text(f"{held[1]:.3f}, n = {held[4]}")
    assert label.text_content() != before
    page.mouse.move(2, 2)
    expect(page.locator(".hair")).to_have_count(0)
    assert label.text_content() == before
    assert seen.complaints == [] and seen.violations() == []


def test_beyond_the_data_of_an_arm_the_crosshair_has_no_value_of_it(visit):
    path = "/experiments/{twelve}?x1=8e11"
    page = visit(replace(PAGE["experiment-twelve"], path=path), live=False).page
    chart = page.locator(MILESTONES)
    at = point_at(page, chart, 0.99)
    expect(page.locator(f"{MILESTONES} .hair")).to_have_count(1)
    numbers = page.request.get(chart.get_attribute("data-src")).json()
    spend = [s for s in numbers["series"] if s["spends"] and s["points"]]
    short = [s["arm"] for s in spend if s["points"][-1][0] < 0.95 * at]
    assert short, "some arm has not got there"
    for arm in short:
        expect(chart.locator(f'g.lb[data-arm="{arm}"] text.num')).to_have_text("\u2013")
    # One that spends nothing keeps its value at every cost.
    free = next(s for s in numbers["series"] if not s["spends"] and s["points"])
    expect(chart.locator(f'g.lb[data-arm="{free["arm"]}"] text.num')).to_contain_text(", n = ")


def test_another_axis_leaves_the_places_of_the_one_before(visit):
    page = visit(replace(PAGE["experiment-twelve"], path="/experiments/{twelve}?x0=1e10&x1=9e11&budget=5e11"), live=False).page
    page.locator("select[name=x]").select_option("device_s")
    page.wait_for_url("**x=device_s**")
    assert not {"x0", "x1", "budget", "was"} & set(parse_qs(urlsplit(page.url).query))
    assert page.locator("input[name=x0]").input_value() == ""


def test_the_keyboard_moves_the_crosshair_of_an_experiment(visit):
    page = visit(PAGE["experiment-twelve"]).page
    chart = page.locator(MILESTONES)
    chart.locator(".scroll").focus()
    page.keyboard.press("End")
    said = chart.locator("output[aria-live=polite]")
    expect(said).to_contain_text("at ")
    last = said.text_content()
    # The three arms that are highest there.
    assert len(re.findall(r" 0\.\d{3}", last)) == 3
    page.keyboard.press("Home")
    expect(said).not_to_have_text(last)
    assert page.locator(f"{TRAINING} .hair").count() == 1
    page.keyboard.press("Escape")
    expect(page.locator(".hair")).to_have_count(0)


def test_a_click_on_a_label_shows_its_arm_alone_and_the_address_says_so(visit):
    page = visit(PAGE["experiment-twelve"]).page
    every = page.evaluate(ARMS, MILESTONES)
    assert len(every) == 12
    label = page.locator(f'{MILESTONES} g.lb[data-arm="zero"] text').first
    label.click()
    page.wait_for_url("**only=zero**")
    assert page.evaluate(ARMS, MILESTONES) == ["zero"]
    named = page.locator("#figures > .note").text_content()
    assert "Hidden by the link" in named and "RL on a process reward (PRM)" in named
    page.reload()
    assert page.evaluate(ARMS, MILESTONES) == ["zero"]
    assert page.locator("#table tr[data-arm]").count() == 12, "the table keeps every arm"
    page.locator(f'{MILESTONES} g.lb[data-arm="zero"] text').first.click()
    expect(page).not_to_have_url(re.compile("only="))
    assert sorted(page.evaluate(ARMS, MILESTONES)) == sorted(every)
    page.locator(f'{MILESTONES} g.lb[data-arm="prm-rl"] text').first.click(modifiers=["Shift"])
    page.wait_for_url("**hide=prm-rl**")
    assert sorted(page.evaluate(ARMS, MILESTONES)) == sorted(set(every) - {"prm-rl"})
    assert "RL on a process reward (PRM)" in page.locator("#figures > .note").text_content()


def test_one_crosshair_and_the_keys_go_through_the_charts_of_a_comparison(visit):
    seen = visit(PAGE["compare-arms"])
    page = seen.page
    chart = page.locator(MILESTONES)
    word = chart.locator("g.lb[data-arm]").first.get_attribute("data-arm")
    label = chart.locator(f'g.lb[data-arm="{word}"] text.num')
    before = label.text_content()
    at = point_at(page, chart, 0.55)
    # Columns that were asked other questions have a chart of their own, which counts the same.
    apart = 'figure.chart[data-src*="/group-1.json"]'
    for selector in [MILESTONES, TRAINING, apart]:
        expect(page.locator(f"{selector} .hair")).to_have_count(1)
    for x in page.evaluate(HAIRS, f"{MILESTONES}, {TRAINING}"):
        assert abs(x - at) < 0.005 * at
    numbers = page.request.get(chart.get_attribute("data-src")).json()
    own = next(s for s in numbers["series"] if s["arm"] == word)
    held = [p for p in own["points"] if p[0] <= at][-1]
    expect(label).to_have_text(f"{held[1]:.3f}, n = {held[4]}")
    page.mouse.move(2, 2)
    expect(page.locator(".hair")).to_have_count(0)
    assert label.text_content() == before
    chart.locator(".scroll").focus()
    page.keyboard.press("End")
    said = chart.locator("output[aria-live=polite]")
    expect(said).to_contain_text("at ")
    last = said.text_content()
    page.keyboard.press("Home")
    expect(said).not_to_have_text(last)
    expect(page.locator(f"{TRAINING} .hair")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".hair")).to_have_count(0)
    assert seen.complaints == [] and seen.violations() == []


def test_a_click_on_a_label_of_a_comparison_shows_its_column_alone(visit):
    seen = visit(PAGE["compare-arms"])
    page = seen.page
    every = page.evaluate(ARMS, MILESTONES)
    rows = page.locator("#values table").first.locator("tbody tr").count()
    assert len(every) >= 2 and rows > len(every)
    word = every[0]
    page.locator(f'{MILESTONES} g.lb[data-arm="{word}"] text').first.click()
    page.wait_for_url("**only=**")
    expect(page.locator("#hidden")).to_contain_text("Hidden by the link: ")
    assert page.evaluate(ARMS, MILESTONES) == [word]
    assert page.locator("#values table").first.locator("tbody tr").count() == rows, "the table keeps every column"
    page.reload()
    assert page.evaluate(ARMS, MILESTONES) == [word]
    page.locator(f'{MILESTONES} g.lb[data-arm="{word}"] text').first.click()
    expect(page).not_to_have_url(re.compile("only="))
    expect(page.locator("#hidden")).to_have_count(0)
    # A control applies itself, and what is opened stays so.
    page.locator("form.controls [name=band]").select_option("minmax")
    page.wait_for_url("**band=minmax**")
    expect(page.locator(f"{MILESTONES} figcaption")).to_contain_text("is no interval")
    assert seen.complaints == [] and seen.violations() == []


def test_a_brush_zooms_by_the_address_and_a_double_click_takes_it_back(visit):
    page = visit(PAGE["experiment-twelve"]).page
    chart = page.locator(MILESTONES)
    axis = chart.locator("svg[data-plot]")
    whole = axis.get_attribute("data-x")
    x, y, low = place(chart, 0.3)
    to, _, high = place(chart, 0.8)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move((x + to) / 2, y)
    page.mouse.move(to, y)
    expect(chart.locator(".brush")).to_have_count(1)
    page.mouse.up()
    page.wait_for_url("**x1=**")
    asked = {k: float(v[0]) for k, v in parse_qs(urlsplit(page.url).query).items()}
    assert abs(asked["x0"] - low) < 0.01 * high and abs(asked["x1"] - high) < 0.01 * high
    zoomed = axis.get_attribute("data-x")
    assert zoomed != whole
    page.reload()
    assert axis.get_attribute("data-x") == zoomed
    x, y, _ = place(chart, 0.5)
    page.mouse.dblclick(x, y)
    expect(page).not_to_have_url(re.compile("x0="))
    assert axis.get_attribute("data-x") == whole


def test_dragging_over_a_runs_panel_asks_for_its_steps_and_leads_nowhere_else(visit):
    page = visit(PAGE["run"]).page
    chart = page.locator(PANELS).first
    axis = chart.locator("svg[data-plot]")
    whole = axis.get_attribute("data-x")
    x, y, low = place(chart, 0.3)
    to, _, high = place(chart, 0.8)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(to, y)
    page.mouse.up()
    page.wait_for_url("**x1=**")
    assert "/samples" not in page.url, "a drag is no click"
    expect(page.locator("#panels a", has_text="Whole run")).to_have_count(1)
    axes = set(page.locator(f"{PANELS} svg").evaluate_all("(all) => all.map((e) => e.dataset.x)"))
    assert len(axes) == 1, axes
    first, last, _ = axes.pop().split()
    assert abs(float(first) - low) <= 1 and abs(float(last) - high) <= 1
    # Its numbers are those of the steps that are shown.
    steps = [p["step"] for p in series(page, "train/loss")]
    assert steps and float(first) <= min(steps) and max(steps) <= float(last)
    page.locator(".panels").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("x0="))
    expect(axis).to_have_attribute("data-x", whole)


def drag(page, chart, start, end):
    x, y, low = place(chart, start)
    to, _, high = place(chart, end)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(to, y)
    page.mouse.up()
    return low, high


def test_a_narrow_drag_asks_for_one_step_at_least(visit):
    page = visit(replace(PAGE["run"], path=PAGE["run"].path + "?x0=20&x1=22")).page
    low, high = drag(page, page.locator(PANELS).first, 0.05, 0.2)
    assert 20 < low < high < 20.5
    page.wait_for_url("**x0=20&x1=21**")
    axis = page.locator(f"{PANELS} svg").first
    expect(axis).to_have_attribute("data-x", "20 21 linear")
    assert page.locator("#fresh .note").count() == 0, "nothing is ignored"


def test_what_cannot_be_zoomed_has_no_brush(visit):
    page = visit(PAGE["prm-hostile"]).page
    chart = page.locator(PANELS).first
    x, y, _ = place(chart, 0.3)
    to, _, _ = place(chart, 0.8)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(to, y)
    assert page.locator(".brush").count() == 0
    page.mouse.up()
    assert "x0=" not in page.url


def test_a_link_among_the_panels_keeps_its_keys(visit):
    page = visit(PAGE["run"]).page
    point_at(page, page.locator(PANELS).first, 0.5)
    expect(page.locator(f"{PANELS} .hair").first).to_be_attached()
    before = page.evaluate(HAIRS, PANELS)
    link = page.locator(".panels a[download]").first
    link.evaluate("(e) => e.focus({ preventScroll: true })")
    page.keyboard.press("ArrowRight")
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    assert saved.value.suggested_filename.endswith(".svg")
    assert "/samples" not in page.url
    assert page.evaluate(HAIRS, PANELS) == before


def test_a_part_of_a_run_is_asked_for_by_a_form_without_a_script(visit):
    page = visit(PAGE["run"], listen=False, java_script_enabled=False).page
    form = page.locator("#panels-form")
    form.locator("[name=x0]").fill("20")
    form.locator("[name=x1]").fill("60")
    form.locator("[name=log]").select_option("1")
    form.locator("button").click()
    axis = page.locator(f"{PANELS} svg").first
    expect(axis).to_have_attribute("data-x", "20 60 linear")
    expect(page.locator("#panels-form [name=x0]")).to_have_value("20")
    page.locator("#panels a", has_text="Whole run").click()
    expect(axis).to_have_attribute("data-x", re.compile("^0 "))


def test_without_a_script_the_charts_their_numbers_and_controls_are_there(visit):
    plain = {"listen": False, "java_script_enabled": False}
    page = visit(PAGE["run"], **plain).page
    assert page.locator(f"{PANELS} svg").count() >= 8
    assert all(text.strip() for text in page.locator("[data-latest]").all_text_contents())
    assert page.locator("#panels a[href*='/samples?']").count() > 2
    page = visit(PAGE["experiment-twelve"], **plain).page
    form = page.locator("form.controls")
    for name in ["only", "x0", "x1", "smooth", "seeds", "x"]:
        assert form.locator(f"[name={name}]").count() > 0, name
    # The address that a click on a label makes shows the same without a script.
    alone = replace(PAGE["experiment-twelve"], path=PAGE["experiment-twelve"].path + "?only=zero")
    page = visit(alone, **plain).page
    labels = page.locator(f"{MILESTONES} svg g.lb[data-arm]")
    assert [g.get_attribute("data-arm") for g in labels.all()] == ["zero"]
    assert page.locator("#milestone-table tbody tr").count() == 12


@pytest.mark.parametrize(
    "name, few", [("run", 8), ("compare-arms", 3), ("graveyard", 2), ("experiment-twelve", 3)]
)
def test_figures_have_their_numbers_in_a_bounded_table(visit, name, few):
    page = visit(PAGE[name], listen=False, java_script_enabled=False).page
    tables = page.locator("main details[id^=data-] table")
    assert tables.count() > 0
    rows = tables.locator("tbody tr")
    assert few <= rows.count() <= 60 * tables.count()
    cells = rows.locator("td").all_text_contents()
    assert all(re.search("[0-9]", text) or text == "no data yet" for text in cells)
    assert max(text.count(";") + 1 for text in cells) <= 12


def test_a_card_of_the_graveyard_has_a_crosshair_with_values(visit):
    seen = visit(PAGE["graveyard"])
    page = seen.page
    chart = page.locator("section.grave figure.chart").first
    label = chart.locator("g.lb[data-arm] text.num").first
    before = label.text_content()
    point_at(page, chart, 0.35)
    expect(chart.locator(".hair")).to_have_count(1)
    expect(label).to_have_text(re.compile("n = [0-9]+$"))
    page.mouse.move(2, 2)
    expect(chart.locator(".hair")).to_have_count(0)
    assert label.text_content() == before
    assert seen.complaints == [] and seen.violations() == []


def test_a_judges_curves_have_one_crosshair(visit):
    seen = visit(PAGE["prm-hostile"])
    page = seen.page
    panels = page.locator(PANELS)
    assert panels.count() > 0
    point_at(page, panels.first, 0.5)
    expect(page.locator(f"{PANELS} .hair")).to_have_count(panels.count())
    expect(panels.first.locator("[data-latest]")).to_have_text(re.compile(" at [0-9]+$"))
    assert seen.complaints == [] and seen.violations() == []
