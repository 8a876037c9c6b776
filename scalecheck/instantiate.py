"""Counting from the user's own code: the node that the policy names is built without storage, and the real module is counted.

It runs code that a config names, so it is for launches, whose code runs anyway, and for those who type ``--instantiate``.
The process is left as it was found: random states, sockets, standard output and logging are given back.
"""

from __future__ import annotations

import copy
import logging
import pkgutil
import random
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import replace
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from scalecheck.build_failures import Attempt, NetworkRefusedError, explain, needs_function
from scalecheck.errors import ConfigError, did_you_mean
from scalecheck.facts import ModuleCount, Unknown

MAX_TRIES = 2
_CONNECTING = ("connect", "connect_ex")
_counted: dict[tuple[str, str, int | None], ModuleCount | Unknown] = {}


def count_built(config: DictConfig, target: str, prefix: str, sequence_length: int | None) -> ModuleCount | Unknown:
    """Build what ``target`` names on torch's meta device and count it; what was counted in this process is not built again.

    ``target`` is a node of the config with a ``_target_``, or a dotted path to a function that takes the config and returns
    a ``torch.nn.Module``; ``prefix`` is where the policy lives. Nothing that the user's code raises leaves this function but
    ``KeyboardInterrupt``.
    """
    key = _identity(config, target, sequence_length)
    if key is not None and key in _counted:
        return _counted[key]
    found = _count(config, Attempt(target=target, prefix=prefix), sequence_length)
    if key is not None:
        _counted[key] = found
    return found


def recall(config: DictConfig, target: str, sequence_length: int | None) -> ModuleCount | Unknown:
    """Return what this process has counted for the same model, without running any of the user's code."""
    known = _counted.get(_identity(config, target, sequence_length) or ("", "", None))
    reason = f"{target} is counted before a launch, by the process that launches, and is not built again in a job"
    return known or Unknown(field="module", reason=reason)


def _identity(config: DictConfig, target: str, sequence_length: int | None) -> tuple[str, str, int | None] | None:
    """Return what the count depends on: the node; for a function, which may look at anything, the whole config but Hydra's own part."""
    try:
        node = OmegaConf.select(config, target)
        text = OmegaConf.to_yaml(node, resolve=True) if isinstance(node, DictConfig) else OmegaConf.to_yaml(_of_task(config))
    except Exception:  # noqa: BLE001 - what does not resolve is not remembered, and fails where it is built
        return None
    return target, text, sequence_length


def _count(config: DictConfig, attempt: Attempt, sequence_length: int | None) -> ModuleCount | Unknown:
    try:
        import torch
    except (ImportError, OSError) as missing:
        reason = "torch is not installed here" if isinstance(missing, ModuleNotFoundError) else f"torch cannot be loaded here ({missing})"
        return _unknown(f"{attempt.target} was not built: {reason}, and count: instantiate needs it", config, attempt)
    from scalecheck.module_count import count_module

    hosts: list[str] = []
    with _undisturbed(torch, hosts):
        try:
            with torch.device("meta"):
                built = _build(config, attempt)
            _refuse_what_is_no_module(built, attempt)
            return count_module(built, attempt.target, sequence_length)
        except (Exception, SystemExit, NetworkRefusedError) as failure:  # noqa: BLE001 - the user's code may raise anything
            return _unknown(explain(failure, replace(attempt, hosts=tuple(hosts))), config, attempt)


def _unknown(sentence: str, config: DictConfig, attempt: Attempt) -> Unknown:
    is_node = attempt.target.partition(".")[0] in config
    return Unknown(field="module", reason=sentence, key=attempt.target if is_node else f"{attempt.prefix}.instantiate")


def _build(config: DictConfig, attempt: Attempt) -> Any:
    node = OmegaConf.select(config, attempt.target, throw_on_missing=True)
    if isinstance(node, DictConfig):
        if "_target_" not in node:
            message = f"the node has no _target_, so it names no code; {needs_function(attempt)}"
            raise ConfigError(message)
        from hydra.utils import instantiate

        return instantiate(node)
    return _function(config, attempt)(_of_task(config))


def _function(config: DictConfig, attempt: Attempt) -> Callable[[DictConfig], Any]:
    if "." not in attempt.target:
        nodes = [str(name) for name in config if name != "hydra" and OmegaConf.is_dict(config._get_node(name))]  # noqa: SLF001
        message = f"the config has no node of that name.{did_you_mean(attempt.target, nodes)} Or {needs_function(attempt)}"
        raise ConfigError(message)
    try:
        function = pkgutil.resolve_name(attempt.target)
    except AttributeError as missing:
        message = f"it is neither a node of the config nor a function on Python's path ({missing})"
        raise ConfigError(message) from None
    if not callable(function):
        message = f"it is a {type(function).__name__}, not a function"
        raise ConfigError(message)
    return function  # type: ignore[no-any-return]


def _of_task(config: DictConfig) -> DictConfig:
    """Return a copy of the config as the app's own function gets it: without Hydra's part."""
    own = copy.deepcopy(config)
    with read_write(own), open_dict(own):
        own.pop("hydra", None)
    return own


def _refuse_what_is_no_module(built: Any, attempt: Attempt) -> None:
    from torch.nn import Module

    if isinstance(built, Module):
        return
    kind = type(built).__name__
    if any(base.__name__.lower() == "pretrainedconfig" for base in type(built).__mro__):
        message = (
            f"it is a {kind}, which describes a model and is none; {needs_function(attempt)}, as AutoModelForCausalLM.from_config does"
        )
    elif kind in ("partial", "_DeferredTarget"):  # functools' own, and what newer releases of hydra-core put in its place
        message = f"its _partial_ is true, so the run calls it with more arguments; {needs_function(attempt)}"
    else:
        message = f"it is a {kind}, not a torch.nn.Module; {needs_function(attempt)}"
    raise ConfigError(message)


@contextmanager
def _undisturbed(torch: Any, hosts: list[str]) -> Iterator[None]:
    """Run the user's code so that the process is afterwards what it was, and what it prints does not mix with a report."""
    numpy = sys.modules.get("numpy")
    with ExitStack() as stack:
        for restore, state in ((random.setstate, random.getstate()), (torch.set_rng_state, torch.get_rng_state())):
            stack.callback(restore, state)
        if numpy is not None:
            stack.callback(numpy.random.set_state, numpy.random.get_state())
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.WARNING)
        stack.enter_context(redirect_stdout(sys.stderr))
        stack.enter_context(_without_network(hosts))
        yield


@contextmanager
def _without_network(hosts: list[str]) -> Iterator[None]:
    """Refuse connections of this thread, and of those that it starts, to anything but a local socket; the hosts are noted.

    Setting a library's offline switch would leak: many read it once, when they are imported, and the run that follows would be offline too.
    """
    others = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
    resolve, before = socket.getaddrinfo, dict(vars(socket.socket))

    def refused(host: Any) -> None:
        if threading.get_ident() in others:
            return
        hosts.append(str(host))
        if hosts.count(str(host)) > MAX_TRIES:
            raise NetworkRefusedError
        message = f"no connection to {host} while a model is counted"
        raise ConnectionRefusedError(message)

    def lookup(host: Any, *rest: Any, **options: Any) -> Any:
        refused(host)
        return resolve(host, *rest, **options)

    def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                refused(address[0])
            return method(self, address)

        return call

    socket.getaddrinfo = lookup
    for name in _CONNECTING:
        setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
    try:
        yield
    finally:
        socket.getaddrinfo = resolve
        for name in _CONNECTING:
            delattr(socket.socket, name)  # what socket.socket inherits is visible again
            if name in before:
                setattr(socket.socket, name, before[name])
