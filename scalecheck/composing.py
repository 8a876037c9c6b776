"""Composing a repo's config from the command line: the options that say where it is, and the config that Hydra makes of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scalecheck.errors import ScalecheckError
from scalecheck.policy import Policy


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command on a Hydra config has."""
    add = parser.add_argument
    add("--config-dir", "-cd", default="conf", metavar="DIR", help="directory of the primary config (default: conf)")
    add("--config-name", "-cn", default="config", metavar="NAME", help="name of the primary config (default: config)")
    add("--version-base", default="1.3", metavar="V", help="the app's version_base; it changes how old repos compose: 1.1, 1.2, 1.3, none")
    add("--policy", metavar="NAME|FILE", help="a shipped policy (default, strict) or a YAML file; instead of the one in the config")


@contextmanager
def hydra_of(options: argparse.Namespace) -> Iterator[None]:
    """Let Hydra look where the options say.

    Raises:
        ScalecheckError: there is no such directory.
    """
    from scalecheck import compose

    config_dir = Path(options.config_dir)
    if not config_dir.is_dir():
        message = f"--config-dir {options.config_dir}: there is no such directory (looked in {Path.cwd()})."
        raise ScalecheckError(message)
    version_base = None if options.version_base.lower() == "none" else options.version_base
    with compose.hydra_at(config_dir, version_base):
        yield


def policy_of(config: Any, policy_name: str | None) -> tuple[str, Policy]:
    """Return where a config's policy lives, and the policy: the config's own, or the one that was named instead."""
    from dataclasses import replace

    from scalecheck import compose
    from scalecheck.pipeline import DEFAULT_PREFIX
    from scalecheck.policy import load_policy

    found = compose.policy_node(config)
    prefix, raw = found or (DEFAULT_PREFIX, None)
    if policy_name is not None:
        raw = compose.read_policy(policy_name)
    policy = load_policy(raw)
    return prefix, replace(policy, mode="warn") if policy.mode == "off" else policy
