"""How a family names its sizes: which config keys tell a field, and what may stand there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from scalecheck.errors import ConfigError
from scalecheck.values import dataclass

Kind = Literal["size", "count", "switch", "text", "number", "counts", "texts", "entries", "auto_size"]
Derived = dict[str, tuple[Any, str]]
"""Fields that follow from others, each with its arithmetic in words."""


@dataclass(frozen=True, slots=True)
class Key:
    """The spellings of one field, the first that is set wins; a dot leads into a nested node (``attn_config.kv_n_heads``).

    Kinds: ``size`` is a whole number above zero, ``count`` may be zero, ``number`` is any finite number above zero, ``switch`` is true or
    false, ``text`` a string, ``counts`` a list of counts, ``texts`` a list of strings, ``entries`` a mapping or a list of which only
    the number of entries counts (``id2label``), ``auto_size`` is a size or the word ``auto``, which leaves it to be derived.
    """

    names: tuple[str, ...]
    kind: Kind


Keys = Mapping[str, Key]


def size(*names: str) -> Key:
    """Name a whole number above zero."""
    return Key(names, "size")


def auto_size(*names: str) -> Key:
    """Name a whole number above zero, or ``auto``."""
    return Key(names, "auto_size")


def count(*names: str) -> Key:
    """Name a whole number that may be zero."""
    return Key(names, "count")


def number(*names: str) -> Key:
    """Name a finite number above zero, such as an expansion ratio."""
    return Key(names, "number")


def switch(*names: str) -> Key:
    """Name something that is on or off."""
    return Key(names, "switch")


def text(*names: str) -> Key:
    """Name a choice by a word."""
    return Key(names, "text")


def counts(*names: str) -> Key:
    """Name a list of counts, read as a tuple."""
    return Key(names, "counts")


def texts(*names: str) -> Key:
    """Name a list of words, read as a tuple."""
    return Key(names, "texts")


def entries(*names: str) -> Key:
    """Name a mapping or list of which only the number of entries counts."""
    return Key(names, "entries")


def even_head_dim(hidden_size: int, num_heads: int) -> int:
    """Return ``hidden_size / num_heads``, the width of a head where a config gives none.

    Raises:
        ConfigError: the heads do not divide the width, so no such model can be built.
    """
    if num_heads < 1 or hidden_size % num_heads:
        message = (
            f"hidden_size {hidden_size} cannot be split evenly over num_attention_heads {num_heads}: "
            "make one a multiple of the other, or give head_dim if the architecture has one."
        )
        raise ConfigError(message)
    return hidden_size // num_heads


def check_groups(num_heads: int | None, num_key_value_heads: int | None) -> None:
    """Refuse key-value heads that the heads cannot be grouped over.

    Raises:
        ConfigError: they do not divide the heads.
    """
    if num_heads and num_key_value_heads and num_heads % num_key_value_heads:
        message = f"num_key_value_heads={num_key_value_heads} does not divide num_attention_heads={num_heads}"
        raise ConfigError(message)


def check_experts(values: Mapping[str, Any], total: str = "num_experts", active: str = "num_active_experts") -> None:
    """Refuse a router that picks more experts than there are.

    Raises:
        ConfigError: more active than stored experts.
    """
    stored, used = values.get(total), values.get(active)
    if stored is not None and used is not None and used > stored:
        message = f"{active}={used} is more than {total}={stored}: a token cannot meet more experts than there are"
        raise ConfigError(message)


def check_length(name: str, listed: tuple[Any, ...] | None, num_layers: int | None) -> None:
    """Refuse a list that should have one entry per layer and has not.

    Raises:
        ConfigError: its length differs from the number of layers.
    """
    if listed is not None and num_layers is not None and len(listed) != num_layers:
        message = f"{name} has {len(listed)} entries, and there are {num_layers} layers: it needs one for each"
        raise ConfigError(message)


def count_layers(values: Mapping[str, Any], kind: str) -> int | None:
    """Return how many of ``layer_types`` are of a ``kind``, the others being ``full_attention``; ``None`` where it is not set.

    Raises:
        ConfigError: it has not one entry per layer, or another kind of layer.
    """
    listed: tuple[str, ...] | None = values.get("layer_types")
    if listed is None:
        return None
    check_length("layer_types", listed, values.get("num_layers"))
    foreign = next((name for name in listed if name not in (kind, "full_attention", "attention")), None)  # the last is an old name
    if foreign is not None:
        message = f"layer_types has {foreign!r}: the layers of this family are full_attention or {kind}"
        raise ConfigError(message)
    return listed.count(kind)


def check_heads_divide(values: Mapping[str, Any], *names: str) -> None:
    """Refuse heads, by the names of their fields, that do not divide ``hidden_size``.

    Raises:
        ConfigError: the first that does not.
    """
    hidden_size = values.get("hidden_size")
    for name in names:
        if hidden_size is not None and hidden_size % values.get(name, 1):
            message = f"{name}={values[name]} does not divide hidden_size={hidden_size}"
            raise ConfigError(message)
