"""`python3 screenshots.py FOLDER`: the main pages, light and dark, wide and narrow.
`cargo xtask screenshots` runs it."""

import io
import json
import os
import sys
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from conftest import FLAGS
from pages import PAGE, path_of

#: File and page; of a running server, the newest experiment's.
SHOWN = {
    "experiments": "experiments",
    "experiment": "experiment-twelve",
    "graveyard": "graveyard",
    "run": "run",
    "queue": "queue",
    "cost": "cost",
}
WIDTHS = {"wide": (1280, 1000), "narrow": (360, 800)}


def of_a_running_server(site):
    """The same names for what an unknown server holds."""

    def api(path):
        with urllib.request.urlopen(f"{site['url']}/api/v1{path}", timeout=30) as answer:
            return json.load(answer)

    chosen = site.get("experiment") or api("/experiments?limit=1")["experiments"][0]["id"]
    runs = api(f"/experiments/{chosen}")["runs"]
    trained = next((r for r in runs if r["arm"]["trains"]), runs[0])
    return {**site, "experiments": {"twelve": chosen}, "runs": {"twelve": {"zero": {"1": trained["id"]}}}}


def small(png, path):
    """The page has few colours: a palette makes the file a third as large. Of all methods
    this one keeps the few pixels of a rare colour, such as an arm's mark."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    few = image.quantize(96, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def main(folder):
    site = json.loads(os.environ["ASSAY_SITE"])
    if "runs" not in site:
        site = of_a_running_server(site)
    total = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("ASSAY_CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        for theme in ("light", "dark"):
            for size, (width, height) in WIDTHS.items():
                context = browser.new_context(
                    base_url=site["url"],
                    viewport={"width": width, "height": height},
                    color_scheme=theme,
                )
                page = context.new_page()
                for name, entry in SHOWN.items():
                    path = path_of(PAGE[entry], site)
                    if page.goto(path, wait_until="load").status != 200:
                        print(f"{path} is not there; no picture of it")
                        continue
                    file = Path(folder) / f"{name}-{theme}-{size}.png"
                    small(page.screenshot(), file)
                    total += file.stat().st_size
                context.close()
        browser.close()
    print(f"{folder}: {total / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1])
