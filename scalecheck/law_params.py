"""N as each law counts it: a law is only ever asked with the parameters that its own authors called N."""

from __future__ import annotations

from collections.abc import Iterable

from scalecheck.facts import Account, Part
from scalecheck.parts import BACKWARD_PER_FORWARD, FLOPS_PER_PARAM_AND_TOKEN, active_params, forward_flops


def active_or_total(account: Account) -> int | None:
    """Return total parameters; of a mixture of experts those that a token meets, as the laws were fitted on dense models."""
    return account.total_params if account.active_params is None else account.active_params


def with_head(account: Account) -> int | None:
    """Return active parameters without the input and position tables and with the output head, tied or not.

    Porian et al. 2024, arXiv 2406.19146, count so: the head's matrix multiplies whether or not it is stored twice.
    """
    head, rest = _head(account.parts), account.active_non_embedding_params
    return None if head is None or rest is None else head + rest


def params_over_6(account: Account) -> float | None:
    """Return M/6, M being training FLOPs per token without the vocabulary's (DeepSeek 2024, arXiv 2401.02954, Eq. 2).

    M = 72 n d^2 + 12 n d l counts every pair of a sequence of l tokens in attention. Where the account counts the causal pairs,
    T(T+1)/2, they are counted up to T^2; where it counts windows, M is unknown.
    """
    length = account.sequence_length
    if not account.parts or not length or account.attention == "windowed":
        return None
    counts = [_full_flops(part, length, account.attention) for part in account.parts if part.kind != "output_embedding"]
    if any(count is None for count in counts):
        return None
    per_sequence = sum(count for count in counts if count is not None)
    return (1 + BACKWARD_PER_FORWARD) * per_sequence / length / FLOPS_PER_PARAM_AND_TOKEN


def _full_flops(part: Part, length: int, attention: str) -> float | None:
    flops = forward_flops(part)
    if flops is None or part.kind != "scores" or attention == "full":
        return flops
    return flops * 2 * length / (length + 1)


def _head(parts: Iterable[Part]) -> int | None:
    """Return the parameters of the output head's matrix: its own, or the input table's where it is tied to that."""
    kept = tuple(parts)
    heads = [part for part in kept if part.kind == "output_embedding"]
    stored = _sum(heads)
    return stored if stored != 0 else _sum(part for part in kept if heads and part.kind == "input_embedding")


def _sum(parts: Iterable[Part]) -> int | None:
    counts = [active_params(part) for part in parts]
    return None if None in counts else sum(count for count in counts if count is not None)
