"""The colours of pictures, by what they mean, in light and dark; plain strings, nothing is imported.

Verdicts differ in marker as well as in colour. The hues are those of Okabe and Ito (Color Universal Design, 2008), darkened or lightened
until text-size marks reach a contrast of 3 : 1 with the ground of either theme.
"""

from __future__ import annotations

from collections.abc import Mapping

from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Color:
    """One role in both themes, as ``#rrggbb``. No two roles share a light colour: it is what stands for the role in the drawn SVG."""

    light: str
    dark: str


PALETTE: Mapping[str, Color] = {
    "ink": Color(light="#1f2328", dark="#e6edf3"),
    "muted": Color(light="#59636e", dark="#9198a1"),
    "grid": Color(light="#d8dee4", dark="#343b44"),
    "ground": Color(light="#ffffff", dark="#0d1117"),
    "fitted": Color(light="#eaf1f8", dark="#152130"),
    "band": Color(light="#c6dbef", dark="#1f3d5c"),
    "law": Color(light="#0066a8", dark="#56b4e9"),
    "other_law": Color(light="#8a9ba8", dark="#6f7f8c"),
    "contour": Color(light="#8250a6", dark="#b58ad6"),
    "budget": Color(light="#b8a070", dark="#857650"),
    "known": Color(light="#8c959f", dark="#7d8590"),
    "pass": Color(light="#007a5a", dark="#2fbf92"),
    "warn": Color(light="#9a6700", dark="#e0a82e"),
    "stop": Color(light="#c9372c", dark="#ff7b72"),
    "silent": Color(light="#6e7781", dark="#8b949e"),
    "remedy": Color(light="#0b7285", dark="#3bc9db"),
    "part_1": Color(light="#0072b2", dark="#4aa3df"),
    "part_2": Color(light="#d55e00", dark="#f08a4b"),
    "part_3": Color(light="#009e73", dark="#33c49b"),
    "part_4": Color(light="#cc79a7", dark="#dd94bd"),
    "part_5": Color(light="#b58900", dark="#d9b13b"),
    "part_6": Color(light="#5b5ea6", dark="#9497e0"),
    "part_7": Color(light="#7a5c43", dark="#b8977a"),
}
MARKERS = {"pass": "o", "warn": "s", "stop": "X", "silent": "D", "remedy": "P", "known": "."}
"""Matplotlib's marker of each role that is a point."""


def css(name: str) -> str:
    """Return the CSS variable of a role."""
    return f"--c-{name.replace('_', '-')}"


def declarations(theme: str) -> str:
    """Return the CSS declarations of all roles in ``light`` or ``dark``."""
    return "".join(f"{css(name)}:{getattr(color, theme)};" for name, color in PALETTE.items())
