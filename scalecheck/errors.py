"""The exceptions of scalecheck. Each message says what was found, against what, where, and what to type."""

from __future__ import annotations

from collections.abc import Iterable


class ScalecheckError(Exception):
    """scalecheck could not do its work; the message is one sentence for the user."""


class PolicyError(ScalecheckError):
    """The policy is broken. A broken guard must not look like a pass, so this always stops a launch."""


class ConfigError(ScalecheckError):
    """The config could not be composed or is not one."""


class ExpressionError(ScalecheckError):
    """An expression of the ``read:`` mapping cannot be evaluated."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest of ``known``, or the list of them when none is near."""
    choices = sorted(known)
    import difflib

    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.6)
    if near:
        return f" Did you mean '{near[0]}'?"
    return f" Known: {', '.join(choices)}." if choices else ""
