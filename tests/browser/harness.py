"""A headless Chromium that opens one page after the other, and says all that it saw: messages, requests, dialogs, faults of policy."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb",
)  # fmt: skip
MEASURES = (Path(__file__).parent / "measures.js").read_text(encoding="utf-8")
WITNESS = """
window.__seen = [];
addEventListener("securitypolicyviolation", (event) => window.__seen.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));
addEventListener("error", (event) => window.__seen.push(`error: ${event.message}`), true);
addEventListener("unhandledrejection", (event) => window.__seen.push(`rejection: ${event.reason}`));
for (const name of ["alert", "confirm", "prompt", "open", "print"]) window[name] = () => window.__seen.push(`dialog: ${name}`);
"""


@dataclass(frozen=True)
class Screen:
    """A viewport in CSS pixels."""

    name: str
    width: int
    height: int
    is_phone: bool = False


DESKTOP = Screen("desktop", 1200, 900)
PHONE = Screen("phone", 390, 844, is_phone=True)
SCREENS = (DESKTOP, PHONE)
SCHEMES = ("light", "dark")


def missing() -> str:
    """Return what of a browser is not installed, or nothing."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed: pip install --group browser"
    names = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"no {' and no '.join(names)} on PATH: apt-get install chromium chromium-driver" if names else ""


@contextmanager
def started(profile: Path) -> Iterator[Browser]:
    """Start Chromium with an empty profile, and end it."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver") or ""))
    try:
        driver.set_page_load_timeout(60)
        driver.set_script_timeout(60)
        yield Browser(driver)
    finally:
        driver.quit()


class Browser:
    """One tab, used again for every page."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self._send("Page.enable")
        self._send("Page.addScriptToEvaluateOnNewDocument", source=WITNESS)

    def open(self, path: Path, screen: Screen = DESKTOP, scheme: str = "light", *, scripts: bool = True) -> Page:
        """Open a file as a reader does who double-clicks on it; what earlier pages logged is forgotten."""
        self._send("Emulation.setScriptExecutionDisabled", value=False)
        self.driver.get("about:blank")
        self._send(
            "Emulation.setDeviceMetricsOverride", width=screen.width, height=screen.height, deviceScaleFactor=1, mobile=screen.is_phone
        )
        self._send("Emulation.setTouchEmulationEnabled", enabled=screen.is_phone, maxTouchPoints=1)
        self.emulate(scheme)
        self._send("Emulation.setScriptExecutionDisabled", value=not scripts)
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        began = time.monotonic()
        self.driver.get(path.resolve().as_uri())
        return Page(self, path, time.monotonic() - began)

    def emulate(self, scheme: str, media: str = "") -> None:
        """Let the page be shown in a colour scheme, and on a medium."""
        self._send("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def _send(self, command: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, arguments)

    send = _send


class Page:
    """A page while it is open."""

    def __init__(self, browser: Browser, path: Path, seconds: float) -> None:
        self.browser = browser
        self.path = path
        self.seconds = seconds
        self.run(MEASURES)
        self.messages: list[str] = []
        self.requests: list[str] = []

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page, also where the page itself may run none, and return its value."""
        return self.browser.driver.execute_script(script, *arguments)

    def measure(self, name: str, *arguments: float) -> Any:
        """Return what a function of measures.js finds."""
        return self.run(f"return window.measure.{name}(...arguments)", *arguments)

    def faults(self) -> list[str]:
        """Return all that a page should not do: messages of the console, requests, errors, dialogs, breaches of its policy."""
        entries = [json.loads(entry["message"])["message"] for entry in self.browser.driver.get_log("performance")]
        urls = [entry["params"]["request"]["url"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]
        dialogs = [entry["method"] for entry in entries if entry["method"] == "Page.javascriptDialogOpening"]
        own = self.path.resolve().as_uri()
        self.requests += urls
        self.messages += [f"{entry['level']}: {entry['message']}" for entry in self.browser.driver.get_log("browser")]
        asked = [f"request: {url:.200}" for url in self.requests if url.split("#")[0] != own and not url.startswith("data:")]
        return [*self.messages, *asked, *dialogs, *(self.run("return window.__seen") or [])]

    def settle(self) -> None:
        """Wait until the page has been drawn twice, so that events of a scroll have been."""
        self.browser.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(() => arguments[0]()))")

    def move(self, x: float, y: float) -> None:
        """Move the mouse to a point of the screen."""
        self.browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def tap(self, x: float, y: float) -> None:
        """Touch a point of the screen."""
        self.browser.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.browser.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, key: str, code: int) -> None:
        """Press a key and let it go."""
        for kind in ("keyDown", "keyUp"):
            self.browser.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def wait(self, script: str, *arguments: Any, seconds: float = 2) -> Any:
        """Return the first true value of a script within some seconds, else its last one."""
        until = time.monotonic() + seconds
        while not (found := self.run(script, *arguments)) and time.monotonic() < until:
            time.sleep(0.02)
        return found

    def screenshot(self, most: int | None = None) -> bytes:
        """Return a PNG of the whole page, or of so many pixels from its top."""
        width, height = self.run("return [document.documentElement.clientWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, most or height), "scale": 1}
        made = self.browser.send("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(made["data"])

    def pdf(self) -> bytes:
        """Return what the printer is sent."""
        return base64.b64decode(self.browser.send("Page.printToPDF", printBackground=False)["data"])
