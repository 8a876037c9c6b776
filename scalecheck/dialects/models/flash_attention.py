"""Models of the package flash_attn (Dao-AILab/flash-attention), named by ``_target_`` with a ``GPT2Config`` at their key ``config``."""

from __future__ import annotations

from typing import Any

from scalecheck.facts import Unknown, Unreadable, View
from scalecheck.keys import Keys
from scalecheck.models import refused
from scalecheck.shapes import FamilyClaim
from scalecheck.survey import Survey, join
from scalecheck.text import shown

RANK = 0
SPELLINGS: Keys = {}
_PACKAGE = "flash_attn.models."
_OF_HYDRA = ("_target_", "_recursive_", "_convert_", "_partial_")
_WITHOUT_EFFECT = ("device", "dtype")


def roots(survey: Survey) -> tuple[str, ...]:
    """Return the config nodes of flash_attn's models; of one whose config is not spelled out, the model's own node."""
    models = [node for node in survey.nodes_with("_target_") if _is_ours(survey.view, node)]
    return tuple(join(node, "config") if join(node, "config") in survey.nodes else node for node in models)


def family(view: View, root: str) -> FamilyClaim | Unknown:
    """Tell whether the model at a node is the GPT with a language model's head: the one of flash_attn's models that is counted."""
    parent = root.rpartition(".")[0]
    is_config = root.rpartition(".")[2] == "config" and _is_ours(view, parent)
    model = parent if is_config else root
    name = str(view.get(join(model, "_target_"))).removeprefix(_PACKAGE)
    if name not in ("gpt.GPTLMHeadModel", "GPTLMHeadModel"):
        return refused(join(model, "_target_"), f"{model or 'the root'} is flash_attn's {name}, which cannot be counted yet")
    if not is_config:
        return refused(join(model, "config"), f"{join(model, 'config')} is not spelled out at its place, so that its sizes cannot be read")
    config = view.get(join(root, "_target_"))
    if not isinstance(config, str) or config.partition(".")[0] != "transformers" or config.rpartition(".")[2] != "GPT2Config":
        said = config.reason if isinstance(config, Unreadable) else shown(config)
        reason = f"{join(root, '_target_')} is {said}, and flash_attn's GPTLMHeadModel is built from transformers' GPT2Config alone"
        return refused(join(root, "_target_"), reason)
    for argument in set(view.keys(model)) - {"config", *_OF_HYDRA, *_WITHOUT_EFFECT}:
        if view.get(join(model, argument)) is not None:
            return refused(join(model, argument), f"{join(model, argument)} is set, and what it does to the size is not known")
    window = _window(view, root)
    if isinstance(window, Unknown):
        return window
    return FamilyClaim(
        family="flash_attn_gpt",
        because=f"{join(model, '_target_')} is flash_attn's GPTLMHeadModel",
        key=join(model, "_target_"),
        class_name="flash_attn's GPTLMHeadModel",
        presets={} if window is None else {"attention_window": (window, f"{join(root, 'window_size')} and the token itself")},
    )


def _is_ours(view: View, node: str) -> bool:
    target = view.get(join(node, "_target_"))
    return isinstance(target, str) and target.startswith(_PACKAGE)


def _window(view: View, root: str) -> int | Unknown | None:
    """Return how many tokens one attends to, itself among them; ``None`` where all before it. flash_attn tells the reach to both sides."""
    key = join(root, "window_size")
    value: Any = view.get(key) if "window_size" in view.keys(root) else None
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(type(side) is int for side in value):
        said = value.reason if isinstance(value, Unreadable) else shown(value)
        return refused(key, f"{key} is {said}, and flash_attn takes two whole numbers: the reach to the left and to the right")
    return None if value[0] < 0 else int(value[0]) + 1
