"""Text-diffusion transformers as kuleshov-group/mdlm names them (``n_blocks``, ``n_heads``, ``cond_dim``), and the codes made of it.

SEDD, UDLM, ReMDM, BD3-LM and Duo have the same class with options beside the model's node; those that change its size are refused, as is a
key at the node that none of these codes has. The vocabulary is the tokenizer's and, in all of them, one mask token more where it has none.
"""

from __future__ import annotations

from typing import Any

from scalecheck.facts import Unknown, Unreadable, View
from scalecheck.keys import Keys
from scalecheck.models import refused
from scalecheck.shapes import FamilyClaim
from scalecheck.survey import Survey, checked, join
from scalecheck.text import shown
from scalecheck.vocabulary import Tokenizer, Vocabulary

RANK = 0
SPELLINGS: Keys = {}
TRAINING_LENGTHS = ("length",)  # by these codes' data loaders, which make sequences of model.length
_SIZES = ("n_blocks", "hidden_size", "n_heads", "cond_dim")
_KNOWN = {
    *_SIZES, "name", "type", "length", "scale_by_sigma", "dropout", "tie_word_embeddings", "attn_backend", "vocab_lookup", "vocab_size",
}  # fmt: skip
# Beside the model's node, or in Duo's and BD3-LM's node `algo`: what turns the class into another size or another use of it.
_OPTIONS = {
    "parameterization": ("ar", "a causal model without conditioning on the noise level"),
    "causal_attention": (True, "a causal model without conditioning on the noise level"),
    "cross_attn": (True, "sequences that are read twice, noised and clean, as block diffusion does"),
}
_CONDITIONED = ("guidance", "training.guidance")
_ABSORBING = ("mdlm", "sedd", "d3pm", "bd3lm")
_UNIFORM = ("duo", "duo_base")
_TEXT8_ROWS = 35  # Text8Tokenizer of dataloader.py: 26 letters, the space, and 8 special tokens with the mask among them
# Tokenizers without added tokens: `vocab_size`, which these codes read, is what len() says only of such.
_PLAIN_TOKENIZERS = (
    "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "distilgpt2", "bert-base-uncased", "bert-base-cased", "bert-large-uncased",
)  # fmt: skip


def roots(survey: Survey) -> tuple[str, ...]:
    """Return the nodes with the sizes of a DiT that say that they are one, or that a ``backbone`` beside them speaks of."""
    return tuple(node for node in survey.nodes_with(*_SIZES) if _type(survey.view, node) or _backbone(survey.view, node))


def family(view: View, root: str) -> FamilyClaim | Unknown:
    """Tell that it is MDLM's DiT, unless its backbone, an option or a key that the code does not have makes it another model."""
    named, backbone = _type(view, root), _backbone(view, root)
    for key, expected in ((backbone, "dit"), (named, "ddit")):
        if key and view.get(key) != expected:
            return refused(key, f"{key} is {_said(view, key)}, and only {expected} can be counted")
    for name in sorted(set(view.keys(root)) - _KNOWN):
        if view.get(join(root, name)) not in (None, False):
            return refused(join(root, name), f"{join(root, name)} is {_said(view, join(root, name))}, and MDLM's DiT has no such option")
    changed = _option(view, root) or _condition(view, root) or _tied(view, root) or _algorithm(view, root)
    if changed:
        return changed
    key = backbone or named
    return FamilyClaim(family="mdlm_dit", because=f"{key} is {_said(view, key or '')}", key=key, class_name="MDLM's DIT")


def vocabulary(survey: Survey, root: str, tokenizer: Tokenizer | None) -> Vocabulary | Unknown | None:
    """Return the rows of the token table: SEDD's ``tokens``, else the tokenizer's tokens, and a mask token where there is none."""
    view, around = survey.view, root.rpartition(".")[0]
    tokens, graph = join(around, "tokens"), join(around, "graph.type")
    if "tokens" in view.keys(around) and "type" in view.keys(join(around, "graph")):
        return _by_graph(view, tokens, graph)
    key = join(around, "data.tokenizer_name_or_path")
    if view.get(key) == "text8":
        return Vocabulary(rows=_TEXT8_ROWS, key=key, because="27 characters and 8 special tokens, the mask token among them")
    if tokenizer is None:
        reason = f"no tokenizer tells its size; {join(root, 'vocab_size')} would, with the mask token where the tokenizer has none"
        return Unknown(field="vocab_size", key=key, reason=reason, remedies=(f"+{join(root, 'vocab_size')}=50258",))
    if tokenizer.name.rpartition("/")[2] not in _PLAIN_TOKENIZERS:
        reason = f"{tokenizer.key} is {tokenizer.name}: whether its added tokens get rows of their own, and a mask token, is not known"
        return Unknown(
            field="vocab_size", key=tokenizer.key, reason=reason, remedies=(f"+{join(root, 'vocab_size')}={tokenizer.size + 1}",)
        )
    if tokenizer.has_mask_token:
        return Vocabulary(rows=tokenizer.size, key=tokenizer.key, because=f"{tokenizer.because}; it has a mask token")
    more = "a padding token, which its dataloader adds" if _name_of_algorithm(view, root) in _UNIFORM else "a mask token, which it has not"
    return Vocabulary(rows=tokenizer.size + 1, key=tokenizer.key, because=f"{tokenizer.because}, and {more}")


def _by_graph(view: View, tokens: str, graph: str) -> Vocabulary | Unknown:
    """SEDD's rule (model/transformer.py of louaaron/Score-Entropy-Discrete-Diffusion): a mask token more in an absorbing graph."""
    told, kind = checked("vocab_size", tokens, view.get(tokens), "size"), view.get(graph)
    if not isinstance(told, int) or kind not in ("absorb", "uniform"):
        reason = str(told.reason) if not isinstance(told, int) else f"{graph} is {_said(view, graph)}, neither absorb nor uniform"
        return Unknown(field="vocab_size", key=tokens, reason=reason, remedies=(f"{tokens}=50257", f"{graph}=absorb"))
    more = int(kind == "absorb")
    return Vocabulary(rows=told + more, key=tokens, because=f"{tokens}={told}" + (f", and a mask token: {graph} is absorb" if more else ""))


def _type(view: View, root: str) -> str | None:
    """Return the key of the node's type, where it is a DiT of discrete diffusion."""
    return join(root, "type") if view.get(join(root, "type")) == "ddit" else None


def _backbone(view: View, root: str) -> str | None:
    """Return the key that tells the backbone, beside the model's node or in the node of the algorithm."""
    around = root.rpartition(".")[0]
    places = (around, join(around, "algo"))
    return next((join(place, "backbone") for place in places if "backbone" in view.keys(place)), None)


def _option(view: View, root: str) -> Unknown | None:
    around = root.rpartition(".")[0]
    for place in (around, join(around, "algo")):
        for name in sorted(set(view.keys(place)) & set(_OPTIONS)):
            foreign, meaning = _OPTIONS[name]
            key = join(place, name)
            value = view.get(key)
            if value == foreign or isinstance(value, Unreadable):
                return refused(key, f"{key} is {_said(view, key)}, which means {meaning}; it cannot be counted yet")
    if view.get(join(around, "mode")) == "train_classifier":
        return refused(join(around, "mode"), f"{join(around, 'mode')} is train_classifier: it is not {root} that is trained")
    return None


def _condition(view: View, root: str) -> Unknown | None:
    """Refuse UDLM's guidance: it gives the model a table of classes (models/dit.py, ``cond_map``)."""
    around = root.rpartition(".")[0]
    for name in _CONDITIONED:
        key = join(around, name)
        if view.keys(key) or view.get(key) is not None:
            return refused(key, f"{key} is set: the model gets a table of classes, which cannot be counted yet; {key}=null trains without")
    return None


def _tied(view: View, root: str) -> Unknown | None:
    key = join(root, "tie_word_embeddings")
    is_known = "cross_attn" in view.keys(join(root.rpartition(".")[0], "algo"))  # BD3-LM sets it to true and does not tie
    if is_known or view.get(key) in (None, False):
        return None
    return refused(key, f"{key} is {_said(view, key)}, and the head of MDLM's DiT is not tied whatever it says; set {key}=false")


def _algorithm(view: View, root: str) -> Unknown | None:
    name, key = _name_of_algorithm(view, root), join(join(root.rpartition(".")[0], "algo"), "name")
    if not view.keys(key.rpartition(".")[0]) or name in (*_ABSORBING, *_UNIFORM):
        return None
    return refused(key, f"{key} is {_said(view, key)}, and how it builds the model is not known")


def _name_of_algorithm(view: View, root: str) -> Any:
    return view.get(join(join(root.rpartition(".")[0], "algo"), "name"))


def _said(view: View, key: str) -> str:
    value = view.get(key)
    return f"not readable ({value.reason})" if isinstance(value, Unreadable) else value if isinstance(value, str) else shown(value)
