import pytest

from scalecheck.account import ledger, totals
from scalecheck.config_file import read_config
from scalecheck.facts import Workload

SMALL = {
    "model_type": "distilbert",
    "n_layers": 2,
    "dim": 32,
    "n_heads": 4,
    "hidden_dim": 48,
    "vocab_size": 101,
    "max_position_embeddings": 40,
}


def account(attention="full", **changes):
    return totals(ledger(read_config(SMALL | changes).shape, Workload(sequence_length=7, attention=attention)))


@pytest.mark.parametrize(
    ("changes", "measured"),
    [({}, 20_805), ({"sinusoidal_pos_embds": True}, 20_805), ({"tie_word_embeddings": False}, 20_805 + 32 * 101)],
)
def test_params_equal_the_built_model(changes, measured):
    """Measured with transformers 5.23.0. The head has one bias, tied or not, and sinusoidal positions are trained too."""
    counted = account(**changes)
    assert (counted.total_params, counted.trainable_params) == (measured, measured)


def test_general_names_are_read_too():
    general = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 4}
    config = {name: value for name, value in SMALL.items() if name not in ("n_layers", "dim", "n_heads")}
    assert read_config(config | general).shape == read_config(SMALL).shape


def test_it_looks_both_ways():
    assert account("causal").forward_flops_per_sequence == account().forward_flops_per_sequence


def test_heads_that_do_not_divide_the_width_are_refused():
    assert "num_attention_heads 5" in read_config(SMALL | {"n_heads": 5}).impossible[0].reason
