"""What the experiment page of twelve arms may weigh, from the running server: a first visit
over a slow line shall show it within a second or two.
`cargo xtask bench page` measures its speed with 10,000 stored steps."""

import gzip
import http.client
import time
from urllib.parse import urlsplit

import pytest

from pages import PAGE, PAGES, path_of

KB = 1000
HTML, CSS, JS, SVG = 60 * KB, 10 * KB, 12 * KB, 90 * KB
# Layout and style take longer with each of them, also when a live page is swapped. The verdicts of
# eleven contrasts, costs by purpose, pass@k, six figures and sixty runs make about 2,960, most of them
# table cells and what stands in them.
ELEMENTS = 3_000


def fetched(site, path):
    """Bytes as they travel, and their time."""
    host = urlsplit(site["url"])
    link = http.client.HTTPConnection(host.hostname, host.port, timeout=30)
    begun = time.perf_counter()
    link.request("GET", path, headers={"Accept-Encoding": "gzip", "Accept": "text/html,*/*"})
    answer = link.getresponse()
    body = answer.read()
    took = time.perf_counter() - begun
    link.close()
    assert answer.status == 200
    assert answer.getheader("content-encoding") == "gzip", path
    return body, took


def test_html_css_and_js_keep_to_their_budgets(visit, site):
    html, _ = fetched(site, path_of(PAGE["experiment-twelve"], site))
    page = visit(PAGE["experiment-twelve"]).page
    css = page.locator("link[rel=stylesheet]").get_attribute("href")
    js = [s.get_attribute("src") for s in page.locator("script[src]").all()]
    sizes = {
        "html": (len(html), HTML),
        "css": (len(fetched(site, css)[0]), CSS),
        "js": (sum(len(fetched(site, src)[0]) for src in js), JS),
    }
    print(sizes, len(gzip.decompress(html)))
    assert {k: v for k, v in sizes.items() if v[0] >= v[1]} == {}


def test_the_page_has_few_elements_and_small_drawings(visit):
    page = visit(PAGE["experiment-twelve"]).page
    count = page.evaluate("document.querySelectorAll('*').length")
    print(count, "elements")
    assert count <= ELEMENTS
    drawings = page.evaluate("[...document.querySelectorAll('svg')].map((e) => e.outerHTML.length)")
    assert max(drawings) < SVG


def test_three_requests_paint_the_page_and_none_leaves_the_house(visit, site):
    seen = visit(PAGE["experiment-twelve"])
    seen.page.wait_for_load_state("networkidle")
    asked = [u for u in seen.requests if not u.startswith("data:")]
    assert len(asked) <= 3, asked
    assert all(u.startswith(site["url"] + "/") for u in asked)


#: Until the first of the page is painted, in milliseconds.
PAINTED = 500


def test_something_is_painted_soon(visit):
    times = []
    for _ in range(5):
        page = visit(PAGE["experiment-twelve"]).page
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
        times.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    print([round(ms) for ms in times], "ms")
    # The quickest, for other programs may be at work here.
    assert min(times) < PAINTED


def test_a_warm_page_is_answered_quickly(site):
    path = path_of(PAGE["experiment-twelve"], site)
    times = sorted(fetched(site, path)[1] for _ in range(15))
    print([round(1000 * t) for t in times], "ms")
    # A quarter of them, for other programs may be at work here.
    assert times[len(times) // 4] < 0.15


@pytest.mark.parametrize("entry", [e for e in PAGES if e.status == 200], ids=lambda e: e.name)
def test_every_page_travels_compressed(site, entry):
    assert fetched(site, path_of(entry, site))[0]
