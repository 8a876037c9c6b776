"""Stage 1, model side: keys that would change the count and that the claimed family does not have.

A family that is told by the names of its sizes alone is one reading among several: other codes take the same names for sizes and add
their own keys for what makes them another architecture. Where such a key is there, the family is not taken.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from scalecheck.facts import Unreadable, View
from scalecheck.survey import join

_HEADS = r"(^|_)(kv|gqa|mqa)(_|$)|query_groups?|kv_?heads?"
_TIES = r"(^|_)(tie|tied|tying|untie)(_|$)|weight_tying|shared?_.*(emb|weights)"
_VOCABULARY = r"vocab.*(multiple|divisible|pad)|pad.*vocab|(^|_)(embedding|emb)_(size|dim)$"
_STRICT = rf"{_HEADS}|{_TIES}|{_VOCABULARY}|qk_?norm|(^|_)mtp(_|$)"
_LOOSE = (
    rf"{_STRICT}|(^|_)(experts?|moe|rope|rotary|alibi|relative|glu|swiglu|geglu|gated|recurrent|conv)(_|$)"
    r"|(^|_)pos(ition)?(al)?_?(emb|enc)|shared?_.*(layer|param)|(mlp|ffn|ff)_?(type|class|ratio|mult|hidden|dim)|expansion"
    r"|(^|_)norm(_class|_type|_name|alization)?(_name)?$|normalization|hidden_groups|(attention|attn|mixer|block)_(type|impl_type)$"
    r"|cross_att|adaln|(^|_)(num|n)_(loops|shared)"
)
_OFF = (None, False, 0, "none", "None", "")
Harmless = Mapping[str, Collection[Any]]


def suspect(view: View, node: str, used: Collection[str], harmless: Harmless, *, is_named: bool) -> str | None:
    """Return the first key of a node that may change the count and that its family does not use; ``None`` where there is none.

    ``used`` are the names that the family reads, ``harmless`` patterns of names with the values that are as the family has it.
    Where the config names the family itself (``is_named``) only keys are looked at that no code ignores on purpose.
    """
    pattern = _STRICT if is_named else _LOOSE
    for name in view.keys(node):
        word = name.lower().replace("-", "_")
        if name in used or word in _WITHOUT_EFFECT or word.startswith("_") or "grad" in word or not re.search(pattern, word):
            continue
        value = view.get(join(node, name))
        if isinstance(value, Unreadable) or not _is_harmless(word, value, harmless):
            return join(node, name)
    return None


def _is_harmless(word: str, value: Any, harmless: Harmless) -> bool:
    if isinstance(value, dict | list):
        return False
    if any(value is off or (value == off and not isinstance(value, bool)) for off in _OFF):
        return not re.search(_TIES, word) or _told(word, value, harmless) is not False
    return bool(_told(word, value, harmless))


def _told(word: str, value: Any, harmless: Harmless) -> bool | None:
    """Tell whether a value is one that the family has; ``None`` where no pattern speaks of the key."""
    for pattern, values in harmless.items():
        if re.search(pattern, word):
            said = value.lower() if isinstance(value, str) else value
            return any(said is one or (said == one and type(said) is type(one)) for one in values)
    return None


# Positions by rotation or bias have no parameters; what is about speed, dropout or initial values changes none.
_WITHOUT_EFFECT = frozenset((
    "max_position_embeddings", "max_pos_embeddings", "rope_theta", "rope_scaling", "rope_base", "rope_parameters", "rotary_base",
    "rope_type", "partial_rotary_factor", "rotary_pct", "rotary_emb_base", "norm_eps", "tie_encoder_decoder", "use_rope_cache",
))  # fmt: skip
