"""Stage 1, model side: keys that would change the count and that the claimed family does not have.

A family that is told by the names of its sizes alone is one reading among several: other codes take the same names for sizes and add
their own keys for what makes them another architecture. Where such a key is there, the family is not taken.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from scalecheck.facts import Unreadable, View
from scalecheck.survey import join, plain_name

_HEADS = r"(^|_)(kv|gqa|mqa)(_|$)|query_groups?|kv_?heads?"
_TIES = r"(^|_)(tie|tied|tying|untie)(_|$)|weight_tying|shared?_.*(emb|weights)"
_VOCABULARY = r"vocab.*(multiple|divisible|pad)|pad.*vocab|(^|_)(embedding|emb)_(size|dim)$"
_STRICT = rf"{_HEADS}|{_TIES}|{_VOCABULARY}|qk_?norm|(^|_)mtp(_|$)|future_tokens|value_head|(layer|param)s?_sharing"
_LOOSE = (
    rf"{_STRICT}|(^|_)(experts?|moe|rope|rotary|alibi|relative|glu|swiglu|geglu|gated|recurrent|conv)(_|$)"
    r"|(^|_)pos(ition)?(al)?_?(emb|enc)|shared?_.*(layer|param)|(mlp|ffn|ff)_?(type|class|ratio|mult|hidden|dim)|expansion"
    r"|(^|_)norm(_class|_type|_name|alization)?(_name)?$|normalization|hidden_groups|(attention|attn|mixer|block)_(type|impl_type)$"
    r"|cross_att|adaln|(^|_)(num|n)_(loops|shared)"
)
_OFF = (None, False, 0, "none", "None", "")
Harmless = Mapping[str, Collection[Any]]
ANY: Collection[Any] = ("any value",)
"""Stands for every value of a key that the family has anyway."""
# What says nothing about the size: how it is trained, initialised, run and called.
_OF_THE_RUN = (
    r"drop|init|eps|flash|sdpa|check_?point|dtype|seed|cache|_ids?$|compile|device|std|range|(^|_)lr|fused|implementation|kernel|precision"
    r"|path|(^|_)dir$|position|length|seq|context|block_size|ctx|version|torch|log|scale|pretrain|optim|schedul|sched$|loss|metric"
    r"|tokenizer|data|batch|decay|beta|warmup|grad|clip|ema|reorder|output_|return_|summary|use_bfloat|fp16|bf16|freeze|load|save|vocab_size"
    r"|^(_.*|name|type|arch|architecture|architectures|model|model_name|model_type|variant|task|monitor|debug|verbose|bias|z_loss)$"
)
_NAMES_OF_MODELS = ("name", "type", "arch", "architecture", "variant", "model_name", "_target_")
_ACTIVATIONS = ("hidden_act", "activation", "activation_function", "act", "act_fn")
_OTHER_MODELS = (
    r"llama|mamba|rwkv|retnet|mistral|mixtral|qwen|gemma|bert|(^|[^a-z])t5|bloom|falcon|deepseek|griffin|hyena|xlstm|moe|neox|gptj|gpt_j|phi|olmo"
    r"|hybrid|linear_attention|s4|ssm|diffusion|vit"
)


def suspect(view: View, node: str, used: Collection[str], harmless: Harmless, *, is_named: bool, is_alone: bool) -> str | None:
    """Return the first key of a node that may change the count and that its family does not use; ``None`` where there is none.

    ``used`` are the names that the family reads, ``harmless`` patterns of names with the values that are as the family has it.
    Where the config names the family itself (``is_named``) only keys are looked at that no code ignores on purpose; where the names of
    sizes are all there is (``is_alone``) every key that is not known to say nothing about the size.
    """
    if is_alone and (other := _other_model(view, node, used)):
        return other
    pattern = _STRICT if is_named else _LOOSE
    for name in view.keys(node):
        word = plain_name(name)
        if name in used or word in _WITHOUT_EFFECT or word.startswith("_") or "grad" in word or not re.search(pattern, word):
            continue
        value = view.get(join(node, name))
        if isinstance(value, Unreadable) or not _is_harmless(word, value, harmless):
            return join(node, name)
    return None


def _other_model(view: View, node: str, used: Collection[str]) -> str | None:
    """Return the key that names another model, or that is a size or a choice of a part which nothing here explains."""
    for name in view.keys(node):
        word, key = plain_name(name), join(node, name)
        if name in used or word in _WITHOUT_EFFECT:
            continue
        is_name = word in _NAMES_OF_MODELS
        if not is_name and (re.search(_OF_THE_RUN, word) or re.search(_LOOSE, word)):  # the latter have their own test
            continue
        if view.runs_code(key):  # what is a guess anyway is not worth a command that a resolver would run
            continue
        value = view.get(key)
        if is_name:
            if (
                isinstance(value, str)
                and re.search(_OTHER_MODELS, value.lower())
                and not any(own in value.lower() for own in ("gpt2", "gpt_2"))
            ):
                return key
        elif word in _ACTIVATIONS:
            if not isinstance(value, str) or "glu" in value.lower():
                return key
        elif isinstance(value, dict | str) or value is True or (isinstance(value, int) and value > 1):
            return key
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
            return values is ANY or any(said is one or (said == one and type(said) is type(one)) for one in values)
    return None


# The longest sequence is no size of a model without a table of positions, and one with it reads the key.
_WITHOUT_EFFECT = frozenset((
    "max_position_embeddings", "max_pos_embeddings", "norm_eps", "tie_encoder_decoder", "use_rope_cache",
))  # fmt: skip
