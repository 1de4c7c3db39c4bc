"""How long a reader waits for a radiograph of 2000 by 2400 pixels, in a real browser on a running site.

    make run                                            # in another terminal
    first_image.py --email reader@... --password ...    # what `make run` printed

The page's own clock starts with the navigation; it is read in the second animation frame
after the viewer said that its values are there, when the canvas has been painted.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from model_common import publish
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
COLUMNS, ROWS = 2000, 2400
LISTEN = """
addEventListener("DOMContentLoaded", () => {
  const box = document.querySelector('[data-viewer="main"]');
  if (!box) return;
  new MutationObserver((changes, observer) => {
    if (!box.dataset.ready) return;
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const canvas = box.querySelector("canvas");
      const seen = canvas.getContext("2d").getImageData(0, canvas.height >> 1, canvas.width, 1).data;
      const [page] = performance.getEntriesByType("navigation");
      const values = performance.getEntriesByType("resource").find((one) => one.name.endsWith("/values"));
      window.firstImage = {
        drawn: performance.now(), grays: new Set(seen).size,
        page: page.responseEnd, asked: values.startTime, came: values.responseEnd,
      };
    }));
  }).observe(box, { attributes: true });
});
"""
STEPS = {"page": "page came", "asked": "pixels asked for", "came": "pixels came", "drawn": "image drawn"}


def main() -> None:
    """Upload, open again and again, and publish."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--site", default="http://127.0.0.1:8000")
    asked.add_argument("--email", required=True)
    asked.add_argument("--password", required=True)
    asked.add_argument("--times", type=int, default=20)
    asked.add_argument("--dry", action="store_true", help="Print the table; do not write it down.")
    options = asked.parse_args()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        rows = []
        for kind, bits in (("8 bits", 8), ("16 bits", 16)):
            file = _radiograph(Path(folder), bits=bits)
            rows += _measure(browser, file, kind=kind, options=options)
        browser.close()
    load = os.getloadavg()[0]
    print(f"load {load:.1f}")
    if not options.dry:
        publish(
            "The first image",
            (
                "radiograph",
                "browser's cache",
                *(f"{name}, p50" for name in STEPS.values()),
                "image drawn, p95",
            ),
            rows,
            note=(
                f"From the click to the painted canvas, {COLUMNS} by {ROWS} pixels, {options.times} times, "
                "on loopback in Chromium without a graphics card; milliseconds after the navigation began. "
                f"Taken on two cores that other programs shared, at a load of {load:.1f}. "
                "The aim is one second."
            ),
        )


def _radiograph(folder: Path, *, bits: int) -> Path:
    """Make a picture that compresses about as a radiograph does: slow gradients under a little noise."""
    down, across = np.mgrid[0 : 3 * np.pi : ROWS * 1j, 0 : 2 * np.pi : COLUMNS * 1j]
    smooth = (np.sin(down) * np.cos(across) + 1) / 2
    noise = np.random.default_rng().normal(0, 0.01, smooth.shape)
    values = np.clip(smooth + noise, 0, 1) * (2**bits - 1)
    path = folder / f"radiograph-{bits}.png"
    Image.fromarray(values.astype(np.uint8 if bits == 8 else np.uint16)).save(path)
    return path


def _measure(
    browser: Browser, file: Path, *, kind: str, options: argparse.Namespace
) -> list[tuple[str, ...]]:
    context = browser.new_context(base_url=options.site, viewport={"width": 1440, "height": 900})
    context.add_init_script(LISTEN)
    page = context.new_page()
    page.set_default_timeout(40_000)
    _sign_in(page, options)
    address = _upload(page, file)
    rows = []
    for cache in ("cold", "warm"):
        network = context.new_cdp_session(page)
        seen = []
        for _ in range(options.times):
            if cache == "cold":
                network.send("Network.clearBrowserCache")
            seen.append(_open(page, address))
        if any(one["grays"] < 20 for one in seen):
            raise SystemExit("The canvas was empty.")
        steps = [f"{np.median([one[step] for one in seen]):.0f}" for step in STEPS]
        rows.append((kind, cache, *steps, f"{np.quantile([one['drawn'] for one in seen], 0.95):.0f}"))
        print(*rows[-1], flush=True)
    context.close()
    return rows


def _sign_in(page: Page, options: argparse.Namespace) -> None:
    page.goto("/accounts/login/")
    page.locator("[name=login]").fill(options.email)
    page.locator("[name=password]").fill(options.password)
    page.locator("main form button[type=submit]").click()
    page.wait_for_url(lambda address: "/accounts/" not in address)
    if "/intended-use/" in page.url:  # the first time of this reader
        page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/")


def _upload(page: Page, file: Path) -> str:
    """Send the file by the page, wait until it is answered, and return the study's address."""
    page.goto("/upload/")
    page.locator("#files").set_input_files(file)
    page.get_by_role("button", name="Send").first.click()
    link = page.locator("#verdicts .upload a").first
    link.wait_for()
    address = str(link.get_attribute("href"))
    page.goto(address)
    page.locator("#reading:not([hx-trigger])").wait_for()
    return address


def _open(page: Page, address: str) -> dict[str, Any]:
    page.goto("about:blank")
    page.goto(address, wait_until="commit")
    while not (seen := page.evaluate("window.firstImage || null")):
        page.wait_for_timeout(20)
    return dict(seen)


if __name__ == "__main__":
    main()
