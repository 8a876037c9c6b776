"""A Hugging Face ``config.json`` on disk -> a Reading. No network, no transformers: the file, and what its config class would add."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from scalecheck import registry
from scalecheck.errors import ConfigError
from scalecheck.facts import Origin, Reading, Unknown
from scalecheck.models import claim_by_model_type, family_of_type
from scalecheck.shapes import FamilyClaim, Request, read_shape, unused_keys
from scalecheck.survey import Notes
from scalecheck.text import shown

MAX_BYTES = 10_000_000
_PARTS_OF_SEVERAL = ("text_config", "llm_config", "language_config", "decoder", "encoder")


class MappingView:
    """A ``facts.View`` over plain nested mappings."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self._read: set[str] = set()

    def get(self, key: str) -> Any:
        """Return the value at ``key``, ``None`` when absent or null."""
        self._read.add(key)
        if key in self.config or "." not in key:
            return self.config.get(key)
        node: Any = self.config
        for name in key.split("."):
            node = node.get(name) if isinstance(node, Mapping) else None
        return node

    def keys(self, key: str) -> tuple[str, ...]:
        """Return the names of the children of ``key``; ``""`` is the root."""
        node = self.get(key) if key else self.config
        return tuple(node) if isinstance(node, Mapping) else ()

    def runs_code(self, key: str) -> bool:
        """Plain mappings have no resolvers."""
        return False

    @property
    def read_keys(self) -> frozenset[str]:
        """Every key that was asked for."""
        return frozenset(self._read)


def read_config_file(path: Path) -> Reading:
    """Read a ``config.json``, or the one in a directory; what keeps it from being counted is in the reading.

    Raises:
        ConfigError: no such file, too large, not JSON, or not an object; one sentence.
    """
    path = path / "config.json" if path.is_dir() else path
    text = _text(path)
    try:
        config = json.loads(text)
    except RecursionError:
        message = f"{path}: it is nested too deeply to be a model's config."
        raise ConfigError(message) from None
    except json.JSONDecodeError as error:
        message = f"{path}:{error.lineno}: this is not JSON ({error.msg}, column {error.colno})."
        raise ConfigError(message) from None
    except ValueError as error:  # an integer of thousands of digits
        message = f"{path}: this is not JSON that can be read ({str(error)[:80]})."
        raise ConfigError(message) from None
    if not isinstance(config, dict):
        kind = {list: "a list", str: "a string", type(None): "null"}.get(type(config), "a number or a word")
        message = f"{path} holds {kind}; a model's config is an object: {{...}}."
        raise ConfigError(message)
    return _with_lines(read_config(config), path, text)


def read_config(config: Mapping[str, Any]) -> Reading:
    """Read a model's config: ``model_type`` picks the family, ``architectures`` the head, and the config class's defaults fill the rest."""
    view, notes = MappingView(config), Notes()
    claim = _claim(config, view)
    if isinstance(claim, Unknown):
        return Reading(unknowns=(claim,), model_dialect="config.json")
    notes.origins["family"] = Origin(key="model_type", because=claim.because)
    shape = read_shape(view, "", claim, Request(given={}, prefix="hydra.callbacks.scalecheck", spellings={}), notes)
    unused = unused_keys(view, "", registry.load("architectures", claim.family))
    return Reading(
        shape=shape,
        origins=notes.origins,
        unknowns=tuple(notes.unknowns),
        impossible=tuple(notes.impossible),
        unused_keys=unused,
        model_dialect="config.json",
    )


def _claim(config: Mapping[str, Any], view: MappingView) -> FamilyClaim | Unknown:
    model_type = config.get("model_type")
    if model_type is None:
        return Unknown(field="family", key="model_type", reason="model_type is not set, and nothing else tells the architecture")
    claim = claim_by_model_type(view, "")
    if claim is None:
        return Unknown(field="family", key="model_type", reason=f"model_type is {shown(model_type)}, not a name")
    if isinstance(claim, FamilyClaim):
        return replace(claim, class_name=f"the config class of {model_type}", is_file=True, assumed_defaults=True)
    parts = {name: config[name].get("model_type") for name in _PARTS_OF_SEVERAL if isinstance(config.get(name), Mapping)}
    hints = [
        f"; its {name} alone is {inner}, which can be counted when it is a file of its own"
        for name, inner in parts.items()
        if isinstance(inner, str) and family_of_type(inner)
    ]
    return replace(claim, reason="".join([claim.reason, *hints]))


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            message = f"{path} has {size:,} bytes; a model's config has a few thousand, and more than {MAX_BYTES:,} are not read."
            raise ConfigError(message)
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        message = f"{path}: this is not text in UTF-8, so it is no JSON."
        raise ConfigError(message) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"{path}: it cannot be read ({reason}); give a config.json, or a directory that has one."
        raise ConfigError(message) from None


def _with_lines(reading: Reading, path: Path, text: str) -> Reading:
    """Fill in file and line of every key, by where its last name first stands in the file."""

    def located(origin: Origin) -> Origin:
        return replace(origin, file=str(path), line=line_of(text, origin.key)) if origin.key else origin

    return replace(reading, origins={name: located(origin) for name, origin in reading.origins.items()})


def line_of(text: str, key: str | None) -> int | None:
    """Return the line on which a JSON text names a key; ``None`` where it does not."""
    name = (key or "").rpartition(".")[2].partition("[")[0]
    found = re.search(rf'"{re.escape(name)}"\s*:', text) if name else None
    return text.count("\n", 0, found.start()) + 1 if found else None
