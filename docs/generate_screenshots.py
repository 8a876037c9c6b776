"""Writes docs/screenshots/: pages in a headless Chromium, at a desk and on a phone, light and dark; ``make screenshots`` runs it.

Needs chromium, chromedriver, and the dependency groups ``browser`` and ``test``. ``--whole`` keeps each page in its full length.
"""

from __future__ import annotations

import importlib.util
import io
import sys
import tempfile
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "screenshots"
NAMES = {"single": "report-single", "sweep": "report-sweep", "fit": "fit"}
COLORS = 256
MOST_PIXELS = {"desktop": 1900, "phone": 2400}
"""Of a page's height, from its top."""


def _module(name: str) -> ModuleType:
    """Return a module of the browser's tests, which are no package."""
    spec = importlib.util.spec_from_file_location(f"scalecheck_browser_{name}", ROOT / "tests" / "browser" / f"{name}.py")
    if spec is None or spec.loader is None:
        message = f"tests/browser/{name}.py is not there"
        raise SystemExit(message)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def small(png: bytes) -> bytes:
    """Return a PNG in few colours. They are chosen to cover all that are there, or the rare ones would go: that of a warning is."""
    from PIL import Image

    made = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        few = image.convert("RGB").quantize(colors=COLORS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(made, "PNG", optimize=True)
    return made.getvalue()


def main(*, whole: bool, folder: Path = FOLDER) -> None:
    """Write every screenshot."""
    harness, documents = _module("harness"), _module("documents")
    if missing := harness.missing():
        raise SystemExit(missing)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile, tempfile.TemporaryDirectory() as made, harness.started(Path(profile)) as browser:
        for name, shown in NAMES.items():
            place = Path(made, name)
            place.mkdir()
            path = documents.PAGES[name](place)
            for screen in harness.SCREENS:
                for scheme in harness.SCHEMES:
                    page = browser.open(path, screen, scheme)
                    png = small(page.screenshot(None if whole else MOST_PIXELS[screen.name]))
                    (folder / f"{shown}-{screen.name}-{scheme}.png").write_bytes(png)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if set(arguments) - {"--whole"}:
        raise SystemExit(__doc__)
    main(whole="--whole" in arguments)
