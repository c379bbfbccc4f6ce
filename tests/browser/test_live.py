"""News come from the server's stream: at a pace, and none to a page that nobody looks at."""

from playwright.sync_api import expect

from pages import PAGE

#: Streams whose news the test makes.
STREAMS = """
window.streams = [];
window.EventSource = class extends EventTarget {
  constructor(url) { super(); this.url = url; this.open = true; window.streams.push(this); }
  close() { this.open = false; }
};
"""

#: So many news, a tenth of a second apart, of the stream that was opened last.
PUSH = """async (times) => {
  for (let i = 0; i < times; i += 1) {
    window.streams.at(-1).dispatchEvent(new Event("changed"));
    await new Promise((done) => setTimeout(done, 100));
  }
}"""

LOOK_AWAY = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""

OPEN = "window.streams.map((s) => s.open)"

#: Of swaps, in milliseconds.
PACE = 2000


def test_many_news_are_one_swap_in_two_seconds_and_none_in_a_hidden_tab(visit):
    seen = visit(PAGE["run-running"], scripts=[STREAMS])
    page = seen.page
    own = page.url
    asked = lambda: sum(1 for url in seen.requests if url == own)  # noqa: E731
    assert asked() == 1
    assert page.evaluate("window.streams.length") == 1
    assert page.evaluate("window.streams[0].url").startswith("/")
    page.evaluate(PUSH, 10)
    assert asked() == 2, "the first of them at once, the others wait"
    page.wait_for_timeout(PACE + 1500)
    assert asked() == 3, "all others together"

    page.evaluate(LOOK_AWAY, True)
    assert page.evaluate(OPEN) == [False]
    page.evaluate(PUSH, 3)
    page.wait_for_timeout(PACE + 500)
    assert asked() == 3

    with page.expect_request(lambda request: request.url == own):
        page.evaluate(LOOK_AWAY, False)
    assert page.evaluate(OPEN) == [False, True]
    expect(page.locator("#live-state")).to_have_text("live")
