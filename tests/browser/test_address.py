"""The address is the state: with and without a script, after a reload, in another browser."""

import re
from dataclasses import replace

from playwright.sync_api import expect

from pages import PAGE
from test_charts import ARMS, MILESTONES

SHOWN = """() => ({
  figure: document.querySelector("select[name=metric]").value,
  curve: document.querySelector("select[name=curve]").value,
  heading: document.querySelector("#table h2").textContent,
  arms: [...document.querySelectorAll("#figures svg [data-arm]")].map((e) => e.dataset.arm),
  rows: [...document.querySelectorAll("#table tbody tr")].map((e) => e.textContent),
})"""


def test_a_changed_control_changes_the_address_and_a_reload_shows_the_same(visit):
    seen = visit(PAGE["experiment-twelve"])
    page = seen.page
    before = page.evaluate(SHOWN)
    page.select_option("select[name=metric]", "length")
    page.wait_for_url("**metric=length**")
    expect(page.locator("#table h2")).to_contain_text("length")
    changed = page.evaluate(SHOWN)
    assert changed["heading"] != before["heading"]
    assert sorted(set(changed["arms"])) == sorted(set(before["arms"])) and before["arms"]
    page.reload()
    assert page.evaluate(SHOWN) == changed
    assert seen.complaints == [] and seen.violations() == []


def test_the_link_to_a_view_shows_that_view_in_another_browser(visit):
    page = visit(PAGE["experiment-twelve"]).page
    page.select_option("select[name=curve]", "kl")
    page.wait_for_url("**curve=kl**")
    expect(page.locator("#permalink a").first).to_have_attribute("href", re.compile("curve=kl"))
    shown = page.evaluate(SHOWN)
    link = page.locator("#permalink a").first.get_attribute("href")
    other = visit(replace(PAGE["experiment-twelve"], path=link)).page
    assert other.evaluate(SHOWN) == shown


def test_without_a_script_the_button_does_the_same(visit):
    page = visit(PAGE["experiment-twelve"], listen=False, java_script_enabled=False).page
    page.select_option("select[name=metric]", "length")
    page.locator("form.controls button").first.click()
    page.wait_for_url("**metric=length**")
    assert "length" in page.locator("#table h2").text_content()


def test_an_unknown_key_is_named_and_nothing_else_changes(visit):
    page = visit(PAGE["experiment-other-figure"]).page
    assert "ignored: smoth" in " ".join(page.locator("#fresh .note").text_content().split())
    assert page.locator("select[name=metric]").input_value() == "length"


def test_folded_parts_stay_open_and_focus_stays_when_a_control_swaps_the_page(visit):
    page = visit(PAGE["experiment-twelve"]).page
    page.locator("#milestone-table summary").click()
    page.locator("select[name=metric]").focus()
    page.select_option("select[name=metric]", "length")
    expect(page.locator("#table h2")).to_contain_text("length")
    assert page.evaluate("document.getElementById('milestone-table').open")
    assert page.evaluate("document.activeElement.name") == "metric"


def test_the_mouse_leaves_a_readers_own_view(visit):
    entry = PAGE["experiment-twelve"]
    page = visit(replace(entry, path=entry.path + "?only=zero")).page
    with page.expect_navigation(wait_until="load"):
        page.locator("#own-view button", has_text="Save as my default").click()
    page.goto(page.url.split("?")[0], wait_until="load")
    assert "only=zero" in page.url and page.evaluate(ARMS, MILESTONES) == ["zero"]
    page.locator(f'{MILESTONES} g.lb[data-arm="zero"] text').first.click()
    page.wait_for_url("**plain=1**")
    assert len(page.evaluate(ARMS, MILESTONES)) == 12
    # Where something is asked for, that is enough.
    page.select_option("select[name=metric]", "length")
    page.wait_for_url("**metric=length**")
    assert "plain" not in page.url
    assert len(page.evaluate(ARMS, MILESTONES)) == 12


def test_the_copy_button_is_there_only_with_a_script(visit):
    plain = visit(PAGE["experiment-twelve"], listen=False, java_script_enabled=False).page
    expect(plain.locator("button.copy")).to_be_hidden()
    may = ["clipboard-read", "clipboard-write"]
    page = visit(PAGE["experiment-twelve"], permissions=may).page
    page.locator("button.copy").click()
    expect(page.locator("button.copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith("@misc{assay-")
