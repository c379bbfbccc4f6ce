"""One Chromium for all tests, and how a test visits a page: what the browser complained about
while it loaded is part of the visit."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from pages import PAGES, path_of

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

LISTEN = """
window.violations = [];
addEventListener("securitypolicyviolation", (e) =>
  window.violations.push(`${e.violatedDirective}: ${e.blockedURI} ${e.sample}`));
"""

#: Until what a script does about a change is done and laid out.
FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

#: A page whose parts are swapped while a test counts them cannot be counted.
NOT_LIVE = "delete window.EventSource;"


@dataclass
class Visit:
    page: object
    status: int
    complaints: list = field(default_factory=list)
    requests: list = field(default_factory=list)
    dialogs: list = field(default_factory=list)

    def violations(self):
        return self.page.evaluate("window.violations")


@pytest.fixture(scope="session")
def site():
    return json.loads(os.environ["ASSAY_SITE"])


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("ASSAY_CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pictures():
    """Where a test leaves what a person shall look at."""
    folder = Path(__file__).parents[2] / "target" / "browser"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def visitor(chromium, site):
    """visit(entry, **settings of the browser's context) -> Visit, until it is closed; `scripts`
    run before those of the page."""
    contexts = []

    def go(entry, listen=True, live=True, width=1280, height=900, scripts=(), **settings):
        context = chromium.new_context(
            base_url=site["url"], viewport={"width": width, "height": height}, **settings
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        if listen:
            context.add_init_script(LISTEN)
        if not live:
            context.add_init_script(NOT_LIVE)
        for script in scripts:
            context.add_init_script(script)
        page = context.new_page()
        seen = Visit(page, 0)
        page.on(
            "console",
            lambda m: seen.complaints.append(f"{m.type}: {m.text}")
            if m.type in ("error", "warning")
            else None,
        )
        page.on("pageerror", lambda e: seen.complaints.append(f"thrown: {e}"))
        page.on("request", lambda r: seen.requests.append(r.url))

        def refuse(dialog):
            seen.dialogs.append(dialog.message)
            dialog.dismiss()

        page.on("dialog", refuse)
        answer = page.goto(path_of(entry, site), wait_until="load")
        if entry.press:
            assert answer.status == 200, entry.path
            for field, value in entry.fill:
                page.fill(field, value)
            with page.expect_navigation(wait_until="load") as sent:
                page.click(entry.press)
            answer = sent.value
        seen.status = answer.status
        assert seen.status == entry.status, f"{entry.path}: {seen.status}"
        return seen

    yield go
    for context in contexts:
        context.close()


@pytest.fixture
def visit(chromium, site):
    yield from visitor(chromium, site)


@pytest.fixture(scope="module", params=PAGES, ids=lambda entry: entry.name)
def every(request, chromium, site):
    """Each page in turn, visited once for all the tests of a module that look at every page."""
    for visit in visitor(chromium, site):
        yield Reader(request.param, visit)


class Reader:
    """One visit of a page that is read in many ways, each of which begins anew."""

    def __init__(self, entry, visit):
        self.entry = entry
        self.visit = visit
        self.seen = None

    def read(self, width=1280, height=900, **media):
        """The visit, in a window of that size and with those media; else as by default."""
        if self.seen is None:
            self.seen = self.visit(self.entry)
        page = self.seen.page
        page.set_viewport_size({"width": width, "height": height})
        default = {"color_scheme": "null", "forced_colors": "null", "media": "null"}
        page.emulate_media(**(default | media))
        # What the script does about it is done, and laid out, within two frames.
        page.evaluate(FRAMES)
        return self.seen
