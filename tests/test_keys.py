"""What sizes must have to do with each other."""

from __future__ import annotations

import pytest

from scalecheck.errors import ConfigError
from scalecheck.keys import check_experts, check_groups, check_length, even_head_dim


def test_even_head_dim() -> None:
    assert even_head_dim(768, 12) == 64


@pytest.mark.parametrize("num_heads", [7, 0, -12])
def test_heads_that_do_not_divide_the_width_are_named(num_heads: int) -> None:
    with pytest.raises(ConfigError, match=rf"hidden_size 768 .* num_attention_heads {num_heads}\b"):
        even_head_dim(768, num_heads)


@pytest.mark.parametrize("key_value_heads", [None, 1, 2, 4])
def test_heads_that_can_be_grouped_pass(key_value_heads):
    check_groups(4, key_value_heads)


def test_heads_that_cannot_be_grouped_are_refused():
    with pytest.raises(ConfigError, match="num_key_value_heads=3 does not divide num_attention_heads=8"):
        check_groups(8, 3)


@pytest.mark.parametrize("values", [{}, {"num_experts": 8}, {"num_experts": 8, "num_active_experts": 8}])
def test_experts_of_which_a_token_meets_at_most_all_pass(values):
    check_experts(values)


def test_more_active_experts_than_there_are_is_refused():
    with pytest.raises(ConfigError, match="num_active_experts=9 is more than num_experts=8"):
        check_experts({"num_experts": 8, "num_active_experts": 9})


@pytest.mark.parametrize(("listed", "layers"), [(None, 3), ((1, 2, 3), 3), ((1,), None)])
def test_a_list_with_one_entry_per_layer_passes(listed, layers):
    check_length("layer_types", listed, layers)


def test_a_list_of_another_length_is_refused():
    with pytest.raises(ConfigError, match="layer_types has 2 entries, and there are 3 layers"):
        check_length("layer_types", ("a", "b"), 3)
