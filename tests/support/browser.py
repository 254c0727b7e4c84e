"""Drive a real, headless Chromium over the WebDriver protocol, with nothing but the standard library."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from support.waiting import wait_until

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
START_S = ANSWER_S = 100.0
STARTED = re.compile(r"started successfully on port ([0-9]+)")

COLOURS = """
const parse = text => { const n = text.match(/[\\d.]+/g).map(Number); return n.length === 3 ? [...n, 1] : n; };
const light = c => { const f = c.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
const contrast = (one, other) => { const [a, b] = [light(parse(one)), light(parse(other))];
  return Math.round((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) * 100) / 100; };
"""

CONTRAST = (
    COLOURS
    + """
const ground = node => { for (let e = node; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
  if (parse(c)[3] > 0) return c; } return 'rgb(255, 255, 255)'; };
const found = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const node = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || !node.checkVisibility() || node.tagName === 'title') continue;
  const isDrawn = node instanceof SVGElement;
  if (isDrawn && node.classList.contains('inside')) continue;
  const style = getComputedStyle(node);
  const name = node.className.baseVal ?? node.className;
  found.push([contrast(isDrawn ? style.fill : style.color, ground(node)), name, walk.currentNode.data.trim().slice(0, 40)]);
}
return found.sort((x, y) => x[0] - y[0]).slice(0, 5);
"""
)
"""The five texts with the least contrast: (ratio, class, text). Labels on bars stand on the bar, not on the page: left out."""

INSIDE_CONTRAST = (
    COLOURS
    + """
return [...document.querySelectorAll('text.inside')].filter(e => e.checkVisibility())
  .map(e => [contrast(getComputedStyle(e).fill, getComputedStyle(e.previousElementSibling).fill), e.textContent]);
"""
)
"""Labels on bars, each after its bar: (ratio, text)."""


def missing() -> str:
    """Why no browser can be driven here; empty if one can."""
    if not any(shutil.which(name) for name in CHROMIUM):
        return "no Chromium here: apt-get install chromium chromium-driver"
    return "" if shutil.which("chromedriver") else "no chromedriver here: apt-get install chromium-driver"


class Browser:
    """One browser with one page."""

    def __init__(self, profile: Path) -> None:
        """Start driver and browser; `profile` is an empty folder."""
        self._log = profile / "driver.log"
        with self._log.open("wb") as log:
            self._driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=log, stderr=log)
        try:
            self._address = f"http://127.0.0.1:{self._port()}"
            self._wait()
            binary = next(found for name in CHROMIUM if (found := shutil.which(name)))
            arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                         f"--user-data-dir={profile / 'profile'}", "--no-first-run", "--disable-background-networking"]  # fmt: skip
            wanted = {
                "browserName": "chrome", "goog:chromeOptions": {"binary": binary, "args": arguments},
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            }  # fmt: skip
            self._session = self._call("/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
            self._of_session("/url", {"url": "about:blank"})
        except BaseException:
            self._driver.kill()
            self._driver.wait()
            raise

    def _port(self) -> str:
        """The free port that the driver took, as it says."""
        found = wait_until(
            lambda: STARTED.search(self._log.read_text(errors="replace")), "chromedriver's word that it started", self._driver
        )
        return found.group(1)

    def _wait(self) -> None:
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            try:
                if self._call("/status")["ready"]:
                    return
            except OSError:
                time.sleep(0.05)
        raise TimeoutError("chromedriver did not start")

    def _call(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._address + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=ANSWER_S) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()[:2000]) from error

    def _of_session(self, path: str, body: dict[str, Any]) -> Any:
        return self._call(f"/session/{self._session}{path}", body)

    def devtools(self, command: str, **parameters: Any) -> Any:
        """Send a command of the DevTools protocol."""
        return self._of_session("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def show(self, address: str, *, width: int = 1100, height: int = 900, scheme: str = "light") -> None:
        """Open a page at a size, in the light or the dark scheme."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.logs("browser")
        self.logs("performance")
        self._of_session("/url", {"url": address})

    def run(self, script: str) -> Any:
        """Value that a script returns."""
        return self._of_session("/execute/sync", {"script": script, "args": []})

    def logs(self, kind: str) -> list[dict[str, Any]]:
        """New entries of the log `browser` (the console) or `performance`."""
        found: list[dict[str, Any]] = self._of_session("/se/log", {"type": kind})
        return found

    def requests(self, address: str) -> list[str]:
        """Addresses that a page asked for since it was opened, its own among them; those of the browser's start page left out."""
        messages = [json.loads(entry["message"])["message"] for entry in self.logs("performance")]
        asked = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        return [request["request"]["url"] for request in asked if request["documentURL"] == address]

    def screenshot(self, file: Path) -> None:
        """Picture of the whole page, also of what is below the window."""
        taken = self.devtools("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        file.write_bytes(base64.b64decode(taken["data"]))

    def close(self) -> None:
        """End browser and driver."""
        try:
            self._call(f"/session/{self._session}", method="DELETE")
        finally:
            self._driver.terminate()
            self._driver.wait(100)
