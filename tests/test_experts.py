"""A layer's router, experts and shared experts."""

from __future__ import annotations

from scalecheck.experts import Mixture, mixture


def parts(**changes):
    sizes = {"num_experts": 8, "num_active_experts": 2, "intermediate_size": 6}
    return {part.name: part for part in mixture(4, Mixture(**(sizes | changes)), tokens=5)}


def test_router_sees_every_token_and_scores_every_expert():
    router = parts()["router"]
    assert (router.params, router.copies, router.forward_flops) == (4 * 8, 1, 2 * 5 * 4 * 8)


def test_experts_are_stored_all_and_used_some():
    by_name = parts()
    assert set(by_name) == {"router", "experts.gate", "experts.up", "experts.down"}
    assert all((by_name[f"experts.{name}"].copies, by_name[f"experts.{name}"].active_copies) == (8, 2) for name in ("gate", "up", "down"))
    assert by_name["experts.up"].params == 4 * 6


def test_when_all_experts_are_used_none_is_idle():
    assert parts(num_active_experts=8)["experts.up"].active_copies is None


def test_a_shared_expert_is_used_by_every_token():
    shared = parts(shared_intermediate_size=10)["shared_experts.down"]
    assert (shared.params, shared.copies, shared.active_copies) == (10 * 4, 1, None)
    assert "shared_experts.weight" not in parts(shared_intermediate_size=10)


def test_its_gate_has_a_weight_per_feature():
    gate = parts(shared_intermediate_size=10, shared_gate=True)["shared_experts.weight"]
    assert (gate.params, gate.forward_flops) == (4, 2 * 5 * 4)
    assert "shared_experts.weight" not in parts(shared_gate=True)


def test_biases_of_router_and_experts_are_apart():
    assert {name: part.params for name, part in parts(router_bias=True).items() if part.kind == "bias"} == {"router.bias": 8}
    biases = {name: part.params for name, part in parts(bias=True, shared_intermediate_size=10).items() if part.kind == "bias"}
    assert biases == {
        "experts.gate.bias": 6, "experts.up.bias": 6, "experts.down.bias": 4,
        "shared_experts.gate.bias": 10, "shared_experts.up.bias": 10, "shared_experts.down.bias": 4,
    }  # fmt: skip
