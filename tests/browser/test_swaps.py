"""News swap a page's parts; what somebody has chosen and typed in its forms stays, and stays about
what it was about."""

import re

from playwright.sync_api import expect

from pages import PAGE

#: The page was hidden and is seen again: it asks for itself at once.
NEWS = """() => {
  for (const hidden of [true, false]) {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }
}"""


class Changed:
    """What the server says from now on, with changes."""

    def __init__(self, page):
        self.page = page
        self.changes = []
        own = page.url.split("#")[0]
        page.route(lambda url: url == own, self.answer)

    def answer(self, route):
        answer = route.fetch()
        text = answer.text()
        for old, new in self.changes:
            text, n = re.subn(old, new, text)
            assert n > 0, old
        route.fulfill(response=answer, body=text)

    def swap(self, *changes):
        self.changes = list(changes)
        self.page.evaluate(NEWS)


def values(select):
    return select.locator("option").evaluate_all("(all) => all.map((e) => e.value)")


def test_news_leave_every_form_of_the_queue_with_its_own_run_and_reason(visit):
    page = visit(PAGE["queue"]).page
    changed = Changed(page)
    cancel = page.locator("#cancel-form select[name=run]")
    requeue = page.locator("#requeue-form select[name=run]")
    reason = page.locator("#requeue-form input[name=reason]")
    for form in ["cancel", "requeue"]:
        page.locator(f"#{form}-form summary").click()
    chosen, again = values(cancel)[-1], values(requeue)[-1]
    assert len(values(cancel)) > 1 and chosen != again
    cancel.select_option(chosen)
    requeue.select_option(again)
    reason.fill("The disk was full.")
    changed.swap(("Who works\\?", "Who works now?"))
    expect(page.locator("#queue h2").first).to_have_text("Who works now?")
    assert [cancel.input_value(), requeue.input_value()] == [chosen, again]
    assert reason.input_value() == "The disk was full."
    assert reason.evaluate("(e) => e === document.activeElement")

    # A run that is no longer there is not exchanged for another.
    changed.swap(("Who works\\?", "Who works at last?"), (f'<option value="{chosen}">[^<]*</option>', ""))
    expect(page.locator("#queue h2").first).to_have_text("Who works at last?")
    assert cancel.input_value() == "" and chosen not in values(cancel)
    assert not cancel.evaluate("(e) => e.form.checkValidity()"), "nothing can be sent"
    assert [requeue.input_value(), reason.input_value()] == [again, "The disk was full."]


def test_news_leave_a_reason_that_is_typed_on_a_runs_page(visit):
    page = visit(PAGE["run-running"]).page
    changed = Changed(page)
    page.locator("#requeue-form summary").click()
    reason = page.locator("#requeue-form input[name=reason]")
    reason.fill("The disk was full.")
    smooth = page.locator("#panels-form input[name=smooth]")
    smooth.focus()
    page.keyboard.type("0.5")
    changed.swap(
        ('(<details id="requeue-form"[^>]*><summary>)', "\\1Changed: "),
        ("<h2>How does ", "<h2>Changed: how does "),
    )
    expect(page.locator("#requeue-form summary")).to_contain_text("Changed: ")
    expect(page.locator("#panels h2")).to_contain_text("Changed: ")
    assert reason.input_value() == "The disk was full."
    # What is being typed into a control stays too, where it is typed.
    assert page.evaluate("document.activeElement.name") == "smooth"
    assert smooth.input_value() == "0.5"
    # Left, it is what the reader asks for.
    page.keyboard.press("Tab")
    page.wait_for_url("**smooth=0.5**")
