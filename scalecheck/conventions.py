"""What others call "training FLOPs per token", beside our own: one function per convention, its formula and source in its docstring.

A reported C must name its convention: the choice alone moves a Llama-3-8B run by 11 % at 8,192 tokens, and DeepSeek-V3 by a factor
of 14 where all experts are counted as active. All of them are exact here: ints, or fractions where a sequence's FLOPs do not divide by
its tokens. None counts the recomputation of activations or the optimizer. N is that of ``account.totals``; d is the width of the model,
L its layers, H its heads, Q the width of a query head, T the tokens of a sequence, V the vocabulary.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from scalecheck.account import ledger, totals
from scalecheck.facts import Account, ModelShape, Part, Workload
from scalecheck.parts import FLOPS_PER_PARAM_AND_TOKEN, active_params, training_flops, used_copies
from scalecheck.values import dataclass

_HEADS = ("causal_lm", "masked_lm")
_NO_LENGTH = "the sequence length is unknown"
_NO_VOCABULARY = "the vocabulary size is unknown"
_EXPERTS = "it is defined for dense models: this one has experts, of which a token meets some"
_NOT_ONE_STACK = "it is counted per token of one sequence, and this model reads no text, or two sequences"


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """One way to count the FLOPs of training on one token. ``None``: not defined for this model; ``because`` says why, else the formula."""

    name: str
    flops_per_token: int | Fraction | None
    source: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is counted: a shape, its accounts with full and with causal attention, and the tokens of a sequence (``None``: unknown)."""

    shape: ModelShape
    tokens: int | None
    full: Account
    causal: Account


def conventions(shape: ModelShape, sequence_length: int | None) -> tuple[Convention, ...]:
    """Return every convention for one model trained on sequences of ``sequence_length`` tokens, our own two first.

    Raises:
        ConfigError: sizes of which no model can be built.
    """
    subject = subject_of(shape, sequence_length)
    if shape.head not in _HEADS:
        return tuple(replace(count(subject), flops_per_token=None, because=_NOT_ONE_STACK) for count in ALL)
    return tuple(count(subject) for count in ALL)


def subject_of(shape: ModelShape, sequence_length: int | None) -> Subject:
    """Count a shape under both conventions of attention; without a length only what has no FLOPs in it may be used."""
    full, causal = (totals(ledger(shape, Workload(sequence_length=sequence_length or 1, attention=which))) for which in ("full", "causal"))
    return Subject(shape=shape, tokens=sequence_length, full=full, causal=causal)


def scalecheck_full(subject: Subject) -> Convention:
    """Count 3 x the forward FLOPs of every matmul, all T x T pairs scored, as torch's FlopCounterMode does."""
    flops = _per_token(subject, subject.full.training_flops_per_sequence)
    return _told("scalecheck_full", flops, "torch.utils.flop_counter", "every matmul, T x T pairs")


def scalecheck_causal(subject: Subject) -> Convention:
    """Count the same with T(T+1)/2 pairs: what a causal model needs. It differs from full by the upper triangle of the scores."""
    flops = _per_token(subject, subject.causal.training_flops_per_sequence)
    return _told("scalecheck_causal", flops, "scalecheck, docs/accounting.md", "every matmul, T(T+1)/2 pairs where the model is causal")


def six_n_total(subject: Subject) -> Convention:
    """Return 6N, N all parameters: C = 6ND as Hoffmann et al. 2022 (arXiv 2203.15556, section 3.3) use it.

    Leaves out attention's scores and counts the look-up of tokens as if it were a matmul; on experts it counts those that do not run.
    """
    return _six_n("6n_total", subject.full.total_params, "Hoffmann et al. 2022, arXiv 2203.15556", "all parameters")


def six_n_active(subject: Subject) -> Convention:
    """Return 6N, N the parameters that a token meets, embeddings included; without experts it is ``six_n_total``."""
    return _six_n("6n_active", subject.full.active_params, "usual for mixtures of experts", "active parameters")


def six_n_non_embedding(subject: Subject) -> Convention:
    """Return 6N, N without embeddings: C = 6NBS of Kaplan et al. 2020 (arXiv 2001.08361, section 2.1).

    Leaves out the logits besides the scores: 31 % of GPT-2's FLOPs at T = 128, half a percent of Llama-3.1-405B's at T = 8192.
    """
    return _six_n("6n_non_embedding", subject.full.non_embedding_params, "Kaplan et al. 2020, arXiv 2001.08361", "non-embedding parameters")


def six_n_active_non_embedding(subject: Subject) -> Convention:
    """Return 6N, N the active parameters without embeddings."""
    params = subject.full.active_non_embedding_params
    return _six_n("6n_active_non_embedding", params, "usual for mixtures of experts", "active non-embedding parameters")


def kaplan2020(subject: Subject) -> Convention:
    """Return 6 N_non_embedding + 6 L T H Q: Kaplan et al. 2020 (arXiv 2001.08361), equation 2.2 and table 1.

    There C_forward = 2N + 2 n_layer n_ctx d_attn, and the backward pass is twice that. The table has one product of scores where
    attention has two (query x key, probabilities x value), so it has half of our scores in full. Logits are left out.
    """
    params, attention = subject.full.active_non_embedding_params, _attention(subject)
    flops = attention if isinstance(attention, str) else _six(params, attention // 2)
    return _told("kaplan2020", flops, "Kaplan et al. 2020, arXiv 2001.08361, table 1", "6 x active non-embedding N + 6 L T d_attn")


def hoffmann2022_f(subject: Subject) -> Convention:
    """Return ours in full + 3 (2 V d + 3 L H T): Hoffmann et al. 2022 (arXiv 2203.15556), appendix F.

    It counts the look-up of tokens as a matmul and 3 FLOPs per score for the softmax; all else is as ours, backward 2 x forward. The
    paper's models have multi-head attention and an MLP of two matrices; here each model's own matrices stand in their place.
    nanoGPT's ``scaling_laws.ipynb`` reports from its authors that table A4 was made without embeddings and logits.
    """
    full, attention = _per_token(subject, subject.full.training_flops_per_sequence), _attention(subject)
    flops: int | Fraction | str = full
    if _has_experts(subject.full.parts):
        flops = _EXPERTS
    elif isinstance(attention, str):
        flops = attention
    elif not isinstance(full, str):
        table = sum(active_params(part) or 0 for part in subject.full.parts if part.kind == "input_embedding")
        flops = full + 3 * (2 * table + 3 * subject.shape.num_layers * _geometry(subject.shape)[0] * (subject.tokens or 0))
    return _told("hoffmann2022_f", flops, "Hoffmann et al. 2022, arXiv 2203.15556, appendix F", "scalecheck_full + 6 V d + 9 L H T")


def palm2022(subject: Subject) -> Convention:
    """Return 6N + 12 L H Q T: Chowdhery et al. 2022 (arXiv 2204.02311), appendix B, all T x T pairs.

    N is every parameter, the active ones where there are experts. Untied input embeddings are too much (6 % of Llama-3-8B), and so are
    positions, biases and norms. With latent attention Q is the width of queries, wider than that of values.
    """
    return _palm("palm2022", subject, subject.full.active_params, "6 x active N + 12 L H Q T")


def palm2022_non_embedding(subject: Subject) -> Convention:
    """Return 6 N_non_embedding + 12 L H Q T: PaLM's formula as those read it who leave all embeddings out, and with them the logits."""
    return _palm("palm2022_non_embedding", subject, subject.full.active_non_embedding_params, "6 x active non-embedding N + 12 L H Q T")


def nanogpt(subject: Subject) -> Convention:
    """Return 6 (N - positions) + 12 L H Q T: ``GPT.estimate_mfu`` in karpathy/nanoGPT, model.py.

    Right for the tied models that it is made for; of an untied one the input embedding is too much (+45 % on Pythia-70M).
    """
    positions = [active_params(part) or 0 for part in subject.full.parts if part.kind == "position_embedding"]
    params = subject.full.active_params
    left = None if params is None else params - sum(positions)
    return replace(
        _palm("nanogpt", subject, left, "6 x (active N - positions) + 12 L H Q T"), source="karpathy/nanoGPT, model.py, estimate_mfu"
    )


def torchtitan(subject: Subject) -> Convention:
    """Return 6 N_matmul + 6 L T H (Q + width of a value): pytorch/torchtitan, torchtitan/models/utils.py.

    N_matmul is without the tables that are only looked up (``get_nparams_and_active_nparams``) and the scores are in full
    (``quadratic_attention_flops_per_token``; a window, which it knows for some models, is not taken off here), so it is ours but for
    biases and norms, which it counts as weights.
    """
    source = "pytorch/torchtitan, torchtitan/models/utils.py"
    attention = _attention(subject)
    params = subject.full.active_non_embedding_params
    head = [part.forward_flops for part in subject.full.parts if part.kind == "output_embedding"]
    if isinstance(attention, str) or params is None or None in head:
        return _told("torchtitan", attention if isinstance(attention, str) else _NO_VOCABULARY, source, "")
    tokens = subject.tokens or 0
    weights = sum(flops or 0 for flops in head) // (2 * tokens)
    scores = sum(_scores(part) for part in subject.full.parts) // tokens
    return _told("torchtitan", _six(params + weights, scores), source, "6 x weights of matmuls, biases and norms + 6 L T H (Q + d_v)")


def megatron_lm(subject: Subject) -> Convention:
    """Return ours in full without half of the scores and without routers: ``num_floating_point_operations``.

    NVIDIA/Megatron-LM, megatron/training/training.py: 6 per weight of a matmul, T x T / 2 pairs (we count T(T+1)/2 causally), no router
    and no gate of a shared expert, but the norms of latent attention. It pads the vocabulary; here it is the model's own. Layers that
    predict further tokens, which it counts, are not part of the models that are counted here.
    """
    source = "NVIDIA/Megatron-LM, megatron/training/training.py"
    full, attention = _per_token(subject, subject.full.training_flops_per_sequence), _attention(subject)
    flops: int | Fraction | str = full
    if subject.shape.head != "causal_lm":
        flops = "it takes attention to be causal, and this model looks both ways"
    elif isinstance(attention, str):
        flops = attention
    elif not isinstance(full, str):
        parts, tokens = subject.full.parts, subject.tokens or 1
        scores = sum(_scores(part) for part in parts)
        router = sum(training_flops(part) or 0 for part in parts if part.name in ("router", "shared_experts.weight"))
        latent = hasattr(subject.shape, "key_value_rank")
        norms = sum(
            active_params(part) or 0 for part in parts if latent and part.name in ("attention.query_norm", "attention.key_value_norm")
        )
        flops = full - Fraction(scores + 2 * router, 2 * tokens) + FLOPS_PER_PARAM_AND_TOKEN * norms
    return _told("megatron_lm", flops, source, "scalecheck_full - half of the scores - routers")


def deepseek2024_m(subject: Subject) -> Convention:
    """Return M = 72 L d^2 + 12 L d T, with C = M D: DeepSeek LLM (arXiv 2401.02954), section 3.2.

    Non-embedding FLOPs per token: attention in full, no logits, and a layer of 12 d^2 weights whatever the model's own are. With narrow
    heads, grouped queries or a wide MLP it misses by what those differ.
    """
    tokens, shape = subject.tokens, subject.shape
    attention = _attention(subject)
    flops: int | str = _EXPERTS if _has_experts(subject.full.parts) else attention
    if not isinstance(flops, str):
        flops = 12 * shape.num_layers * shape.hidden_size * (6 * shape.hidden_size + (tokens or 0))
    return _told("deepseek2024_m", flops, "DeepSeek LLM 2024, arXiv 2401.02954, section 3.2", "72 L d^2 + 12 L d T")


ALL = (
    scalecheck_full, scalecheck_causal, six_n_total, six_n_active, six_n_non_embedding, six_n_active_non_embedding, kaplan2020,
    hoffmann2022_f, palm2022, palm2022_non_embedding, nanogpt, torchtitan, megatron_lm, deepseek2024_m,
)  # fmt: skip


def _told(name: str, flops: int | Fraction | str, source: str, formula: str) -> Convention:
    """Build a convention from its figure, or from the sentence that stands in its place."""
    if isinstance(flops, str):
        return Convention(name=name, flops_per_token=None, source=source, because=flops)
    whole = flops.numerator if flops.denominator == 1 else flops
    return Convention(name=name, flops_per_token=whole, source=source, because=formula)


def _six(params: int | None, attention: int = 0) -> int | str:
    return _NO_VOCABULARY if params is None else FLOPS_PER_PARAM_AND_TOKEN * params + attention


def _six_n(name: str, params: int | None, source: str, which: str) -> Convention:
    return _told(name, _six(params), source, f"6 x {which}")


def _palm(name: str, subject: Subject, params: int | None, formula: str) -> Convention:
    attention = _attention(subject)
    flops = attention if isinstance(attention, str) else _six(params, attention)
    return _told(name, flops, "Chowdhery et al. 2022, arXiv 2204.02311, appendix B", formula)


def _per_token(subject: Subject, per_sequence: int | None) -> Fraction | str:
    if subject.tokens is None:
        return _NO_LENGTH
    return _NO_VOCABULARY if per_sequence is None else Fraction(per_sequence, subject.tokens)


def _scores(part: Part) -> int:
    return (training_flops(part) or 0) if part.kind == "scores" else 0


def _attention(subject: Subject) -> int | str:
    """Return 12 L H Q T, or why it is not defined."""
    num_heads, width = _geometry(subject.shape)
    used = sum(used_copies(part) for part in subject.full.parts if part.kind == "scores")
    if used != subject.shape.num_layers or not num_heads:
        return "it is defined for a stack whose layers each have one attention"
    if subject.tokens is None:
        return _NO_LENGTH
    return 12 * subject.shape.num_layers * num_heads * width * subject.tokens


def _geometry(shape: ModelShape) -> tuple[int, int]:
    """Return the heads and the width of a query head. Families name no base class for it, so it is asked for by the names they share."""
    num_heads: int = getattr(shape, "num_attention_heads", 0)
    if hasattr(shape, "plain_head_dim"):
        return num_heads, shape.plain_head_dim + getattr(shape, "rotary_head_dim", 0)
    return num_heads, getattr(shape, "head_dim", shape.hidden_size // max(num_heads, 1))


def _has_experts(parts: tuple[Part, ...]) -> bool:
    return any(used_copies(part) < part.copies for part in parts)
