"""Mixtures of experts: a router, experts of which a token meets a few, and experts that all tokens share."""

from __future__ import annotations

from collections.abc import Iterator

from scalecheck.facts import Part
from scalecheck.parts import gated_mlp, linear, repeat
from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """One layer's experts, each a gated MLP with branches ``intermediate_size`` wide.

    ``shared_intermediate_size`` is the width of what every token passes besides (several shared experts are as one of their
    summed width); ``shared_gate`` weighs it per token, through a matrix of width one.
    """

    num_experts: int
    num_active_experts: int
    intermediate_size: int
    bias: bool = False
    router_bias: bool = False
    shared_intermediate_size: int = 0
    shared_gate: bool = False


def mixture(hidden_size: int, experts: Mixture, *, tokens: int) -> Iterator[Part]:
    """The feed-forward block of one layer; every token costs the router, its own experts and the shared one.

    The router's balancing bias (DeepSeek-AI 2024, arXiv 2412.19437, section 2.1.2) is a buffer, not a parameter.
    """
    yield from linear("router", hidden_size, experts.num_experts, tokens=tokens, bias=experts.router_bias)
    expert = gated_mlp(hidden_size, experts.intermediate_size, tokens=tokens, bias=experts.bias, name="experts")
    yield from repeat(expert, experts.num_experts, experts.num_active_experts)
    if experts.shared_intermediate_size:
        yield from gated_mlp(hidden_size, experts.shared_intermediate_size, tokens=tokens, bias=experts.bias, name="shared_experts")
        if experts.shared_gate:
            yield from linear("shared_experts.weight", hidden_size, 1, tokens=tokens)
