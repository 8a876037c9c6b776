"""Templates filled in, with every text escaped; the page's style and script, and the policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from scalecheck import __version__
from scalecheck.drawing import palette, svg
from scalecheck.drawing.canvas import INSTALL
from scalecheck.errors import ScalecheckError


def render(name: str, values: Mapping[str, Any]) -> str:
    """Return a template of this folder with values filled in.

    Raises:
        ScalecheckError: matplotlib or jinja2 is not installed; what to install.
    """
    made = _environment().get_template(name).render(values)
    return str(made).encode("utf-8", "backslashreplace").decode()


@cache
def _environment() -> Any:
    check_installed()
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    found = Environment(
        autoescape=True,
        loader=FunctionLoader(_text),
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {
        "css": Markup(_text("page.css")),  # noqa: S704 - a file of this package
        "fragment_css": Markup(_text("fragment.css")),  # noqa: S704
        "script": Markup(_text("page.js")),  # noqa: S704
        "policy": content_security_policy(),
        "light": Markup(palette.declarations("light")),  # noqa: S704 - colours
        "dark": Markup(palette.declarations("dark")),  # noqa: S704
        "version": __version__,
    }
    return found


def _harmless(value: Any) -> Any:
    return value if hasattr(value, "__html__") or not isinstance(value, str) else svg.harmless(value)


def check_installed() -> None:
    """Check that what pictures and pages need is there.

    Raises:
        ScalecheckError: it is not; what to install.
    """
    try:
        import jinja2  # noqa: F401
        import matplotlib as mpl  # noqa: F401
    except ImportError:
        raise ScalecheckError(INSTALL) from None


def content_security_policy() -> str:
    """Return the page's policy: its own script by its hash, its own style, pictures within it, and no request to anywhere."""
    digest = base64.b64encode(hashlib.sha256(_text("page.js").encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )


@cache
def _text(name: str) -> str:
    return resources.files("scalecheck.page").joinpath(name).read_text(encoding="utf-8")
