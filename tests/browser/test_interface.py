"""The examples of the page on the interface, run as a reader would paste them."""

import contextlib
import io
import json
import os
import urllib.request

import pytest

from pages import PAGE

#: Calls that change nothing, with the Python that stands under them.
READING = """() => [...document.querySelectorAll("section.group")]
  .filter((s) => s.querySelector("p code").textContent.startsWith("GET "))
  .map((s) => [s.id, s.querySelector("pre[data-of=python]").textContent])"""


def keep(site, name):
    """Keeps an experiment's state, as its form does; returns the hash."""
    path = f"{site['url']}/experiments/{site['experiments'][name]}/cite"
    with urllib.request.urlopen(path, data=b"view=") as answer:
        return answer.url.partition("?snap=")[2]


def test_the_python_of_every_reading_call_runs_as_it_stands(visit, site, monkeypatch):
    examples = dict(visit(PAGE["interface"]).page.evaluate(READING))
    assert {"listExperiments", "getRun", "getDescription"} < set(examples)
    for name, value in {
        "ASSAY_SERVER": site["url"],
        "ASSAY_TOKEN": "",
        "EXPERIMENT": site["experiments"]["decoders"],
        "RUN": site["runs"]["decoders"]["zero"]["1"],
        "ARM": "zero",
        "SNAPSHOT": keep(site, "decoders"),
    }.items():
        monkeypatch.setenv(name, value)
    answers = {}
    for name, text in examples.items():
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(text, name, "exec"), {})
        answers[name] = json.loads(said.getvalue())
    assert answers["getRun"]["id"] == os.environ["RUN"]
    assert answers["getSnapshot"]["snapshot"] == os.environ["SNAPSHOT"]
    assert set(answers["getDescription"]["paths"]) >= {"/experiments", "/runs/{id}/ledger"}


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_on_the_page_of_the_interface_can_be_executed(visit, width):
    page = visit(PAGE["experiments"], live=False, width=width).page
    with page.expect_navigation(wait_until="load"):
        page.click("footer a")
    assert page.url.endswith("/docs/api")
    assert page.locator("main form, main button, main input, main textarea").count() == 0
    calls = page.locator("section.group")
    assert calls.count() > 25
    assert calls.locator("pre[data-of=curl]").count() == calls.count()
