"""What surrounds every page, and keys of a list: the reader's colour scheme, the queue's buttons."""

from pages import PAGE

BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor"
FOCUSED = "document.activeElement.id"


def test_a_chosen_colour_scheme_stays_and_paper_is_white(visit):
    seen = visit(PAGE["experiments"], color_scheme="light")
    page = seen.page
    assert page.evaluate(BACKGROUND) == "rgb(255, 255, 255)"
    with page.expect_navigation(wait_until="load"):
        page.click("button[name=theme][value=dark]")
    dark = page.evaluate(BACKGROUND)
    assert dark != "rgb(255, 255, 255)"
    page.goto("/queue", wait_until="load")
    assert page.evaluate(BACKGROUND) == dark
    assert page.locator("button[value=dark]").get_attribute("aria-pressed") == "true"
    page.emulate_media(media="print")
    assert page.evaluate(BACKGROUND) == "rgb(255, 255, 255)"
    page.emulate_media(media="screen", color_scheme="dark")
    with page.expect_navigation(wait_until="load"):
        page.click("button[name=theme][value=light]")
    assert page.evaluate(BACKGROUND) == "rgb(255, 255, 255)"
    assert page.url.endswith("/queue"), "back where the choice was made"
    with page.expect_navigation(wait_until="load"):
        page.click("button[name=theme][value=system]")
    assert page.evaluate(BACKGROUND) == dark
    assert seen.violations() == [] and seen.complaints == []


def test_keys_go_through_completions_only_while_their_list_has_the_focus(visit):
    page = visit(PAGE["samples"], live=False).page
    ids = page.evaluate("[...document.querySelectorAll('[data-keys] article')].map((e) => e.id)")
    assert len(ids) > 2
    page.keyboard.press("j")
    assert page.evaluate(FOCUSED) not in ids
    page.locator("[data-keys]").focus()
    for key, at in [("j", 0), ("j", 1), ("k", 0), ("k", 0)]:
        page.keyboard.press(key)
        assert page.evaluate(FOCUSED) == ids[at], key
    alone = page.locator("[data-keys] a[data-go=g]").first.get_attribute("href")
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press("g")
    assert page.url.endswith(alone)
    assert page.locator("[data-keys] section.group").count() == 1


def test_a_prompt_is_shown_beside_another_step_without_a_script(visit):
    page = visit(PAGE["samples"], listen=False, java_script_enabled=False).page
    link = page.locator("[data-keys] a[data-go=d]").first
    assert link.count() == 1, "the seeded stage has its prompt at several steps"
    link.click()
    page.wait_for_url("**with=**")
    sides = page.locator(".beside > div")
    assert sides.count() == 2
    assert all(side.locator("article").count() > 0 for side in sides.all())


def test_formulas_are_typeset_by_a_link_and_by_a_key(visit):
    seen = visit(PAGE["samples-typeset"])
    page = seen.page
    maths = page.locator("[data-keys] pre math")
    assert maths.count() >= 3, "the seeded texts have formulas"
    assert page.locator("[data-keys] math .boxed mfrac").count() > 0
    box = maths.first.bounding_box()
    assert box["width"] > 0 and box["height"] > 0, "drawn"
    namespaces = page.evaluate(
        "[...new Set([...document.querySelectorAll('math, math *')].map((e) => e.namespaceURI))]"
    )
    assert namespaces == ["http://www.w3.org/1998/Math/MathML"]
    assert page.locator("[data-keys] code", has_text="$\\def").count() > 0, "left as written"
    assert "for $5 and $6" in page.locator("[data-keys]").text_content()
    assert seen.violations() == [] and seen.complaints == []

    page.locator("[data-keys]").focus()
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press("r")
    assert "render" not in page.url and page.locator("math").count() == 0
    page.locator("[data-keys]").focus()
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press("r")
    assert "render=1" in page.url and page.locator("math").count() >= 3


def test_formulas_are_typeset_without_a_script(visit):
    page = visit(PAGE["samples-hostile"], listen=False, java_script_enabled=False).page
    assert page.locator("math").count() == 0, "raw is the default"
    page.locator("a[data-go=r]").click()
    page.wait_for_url("**render=1**")
    assert page.locator("math").count() >= 3
    # The form asks for the same again.
    with page.expect_navigation(wait_until="load"):
        page.locator("#controls form").first.locator("button").click()
    assert "render=1" in page.url and page.locator("math").count() >= 3
