"""More seeds than elements should be made for: their lines on a canvas over the drawing."""

import pytest

from pages import PAGE

ON_CANVAS = "figure.chart[data-every]"

#: Of each canvas: its own size, that of the drawing under it, how many of its pixels have ink,
#: and the words that stand for the picture.
CANVASES = f"""() => [...document.querySelectorAll("{ON_CANVAS}")].map((figure) => {{
  const canvas = figure.querySelector("canvas"), svg = figure.querySelector("svg[data-plot]");
  const under = svg.getBoundingClientRect(), over = canvas.getBoundingClientRect();
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let inked = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i]) inked++;
  return {{
    size: [canvas.width, canvas.height],
    under: [under.left, under.top, under.width, under.height],
    over: [over.left, over.top, over.width, over.height],
    inked, pixels: data.length / 4,
    hidden: canvas.getAttribute("aria-hidden"),
    role: svg.getAttribute("role"),
    label: svg.getAttribute("aria-label") || "",
    caption: figure.querySelector("figcaption").textContent,
  }};
}})"""

#: Every one has its numbers, and they are drawn.
DRAWN = f"""() => {{
  const all = [...document.querySelectorAll("{ON_CANVAS} canvas")];
  return all.length && all.every((c) => c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some((v) => v));
}}"""


def canvases(page):
    page.wait_for_function(DRAWN)
    return page.evaluate(CANVASES)


@pytest.mark.parametrize("dense, most", [(1, 1), (2, 2), (3, 2)])
def test_many_seeds_are_drawn_on_a_canvas_of_bounded_size(visit, dense, most):
    seen = visit(PAGE["experiment-on-canvas"], device_scale_factor=dense)
    found = canvases(seen.page)
    assert found, "66 lines of training"
    for canvas in found:
        width, height = canvas["under"][2:]
        assert abs(canvas["size"][0] - most * width) <= 1, canvas
        assert abs(canvas["size"][1] - most * height) <= 1, canvas
        assert all(abs(a - b) < 1 for a, b in zip(canvas["under"], canvas["over"])), canvas
        # Lines, and not one colour all over.
        assert 0 < canvas["inked"] < 0.9 * canvas["pixels"], canvas
    # That this test reads the pixels back is what the browser may complain of.
    complaints = [c for c in seen.complaints if "getImageData" not in c]
    assert seen.violations() == [] and complaints == []


def test_the_picture_under_a_canvas_says_in_words_what_it_shows(visit):
    page = visit(PAGE["experiment-on-canvas"]).page
    for canvas in canvases(page):
        assert canvas["hidden"] == "true", "it says nothing that the drawing does not"
        assert canvas["role"] == "img" and len(canvas["label"]) > 20
        assert len(canvas["caption"]) > 40
    assert page.locator("#data-training tbody tr").count() >= 3
    assert page.locator("#milestone-table tbody tr").count() == 4


def test_on_paper_the_canvas_lies_on_its_drawing(visit):
    page = visit(PAGE["experiment-on-canvas"], width=718, height=1000).page
    canvases(page)
    page.emulate_media(media="print")
    for canvas in page.evaluate(CANVASES):
        assert all(abs(a - b) < 1.5 for a, b in zip(canvas["under"], canvas["over"])), canvas


def test_few_seeds_are_lines_of_the_drawing(visit):
    behind = "#figures svg path.bh"
    means = visit(PAGE["experiment-twelve"]).page.locator(behind).count()
    page = visit(PAGE["experiment-every-seed"]).page
    assert page.locator("canvas").count() == 0
    assert page.locator(behind).count() > means + 11, "each arm has its seeds' lines"
