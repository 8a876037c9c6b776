"""MDLM's names and those of the codes made of it: what is one, what is refused, and how many rows the token table has."""

from __future__ import annotations

import pytest

from scalecheck.dialects.models.dit import vocabulary
from scalecheck.facts import Unknown
from scalecheck.survey import survey
from scalecheck.vocabulary import Tokenizer

SIZES = {"hidden_size": 48, "cond_dim": 16, "n_blocks": 2, "n_heads": 4}
MODEL = {"name": "small", "type": "ddit", "length": 128, "scale_by_sigma": True, "dropout": 0.1, "tie_word_embeddings": False, **SIZES}
MDLM = {"backbone": "dit", "diffusion": "absorbing_state", "parameterization": "subs", "model": MODEL}
DUO = {"model": MODEL | {"vocab_lookup": True}, "algo": {"name": "mdlm", "backbone": "dit", "causal_attention": False}}
BD3LM = {
    "model": MODEL | {"tie_word_embeddings": True, "adaln": False, "attn_backend": "flash_attn"},
    "algo": {"name": "mdlm", "backbone": "dit", "causal_attention": False, "cross_attn": False, "parameterization": "subs"},
}


@pytest.fixture
def rows(view_of):
    def told(config, name=None, size=50257, has_mask_token=False):
        known = Tokenizer(name=name, size=size, has_mask_token=has_mask_token, key="data.tokenizer_name_or_path", because=f"{size} tokens")
        return vocabulary(survey(view_of(config)), "model", known if name else None)

    return told


@pytest.mark.parametrize(
    "config", [MDLM, {"model": MODEL}, {"backbone": "dit", "model": SIZES}, DUO, BD3LM], ids=["mdlm", "sedd", "backbone", "duo", "bd3lm"]
)
def test_evidence_is_the_sizes_and_the_type_or_the_backbone(read, config):
    reading = read(config, vocab_size=100)
    assert (reading.model_dialect, reading.shape.family, reading.shape.head) == ("dit", "mdlm_dit", "diffusion_lm")
    assert reading.origins["family"].because in ("backbone is dit", "algo.backbone is dit", "model.type is ddit")


@pytest.mark.parametrize(
    "config", [{"model": SIZES}, {"model": SIZES | {"type": "diffusion"}}, {"backbone": "dit", "model": {"n_blocks": 2}}]
)
def test_less_evidence_is_no_model_of_this_dialect(read, config):
    assert read(config).model_dialect is None


@pytest.mark.parametrize("backbone", ["ar", "dimamba", "hf_dit", "unet", "???"])
@pytest.mark.parametrize("config", [MDLM, DUO], ids=["mdlm", "duo"])
def test_another_backbone_is_refused_even_where_the_type_says_ddit(read, config, backbone):
    changed = config | ({"backbone": backbone} if "backbone" in config else {"algo": config["algo"] | {"backbone": backbone}})
    reading = read(changed)
    assert reading.shape is None
    assert "backbone is" in reading.unknowns[0].reason


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"parameterization": "ar"}, "parameterization"),
        ({"parameterization": "???"}, "parameterization"),
        ({"algo": {"name": "bd3lm", "cross_attn": True}}, "algo.cross_attn"),
        ({"algo": {"name": "ar", "causal_attention": True}}, "algo.causal_attention"),
        ({"algo": {"name": "esolm"}}, "algo.name"),
        ({"training": {"guidance": {"cond_dropout": 0.0}}}, "training.guidance"),
        ({"guidance": {"method": "cfg"}}, "guidance"),
        ({"mode": "train_classifier"}, "mode"),
    ],
)
def test_options_beside_the_model_that_change_it_are_refused(read, change, key):
    reading = read(MDLM | change)
    assert reading.shape is None
    assert reading.unknowns[0].key == key


def test_options_that_are_off_change_nothing(read):
    off = {"training": {"guidance": None, "ema": 0.9999}, "guidance": None, "classifier_model": None, "mode": "train"}
    assert read(MDLM | off, vocab_size=100).shape is not None


@pytest.mark.parametrize(
    "change", [{"causal": True}, {"mlp_ratio": 8}, {"adaln": True}, {"num_classes": 10}, {"tie_word_embeddings": True}]
)
def test_keys_at_the_node_that_the_code_does_not_have_are_refused(read, change):
    reading = read(MDLM | {"model": MODEL | change})
    assert reading.shape is None
    assert reading.unknowns[0].key == f"model.{next(iter(change))}"


def test_tokenizer_without_a_mask_token_gets_a_row_for_it(rows):
    assert rows(MDLM, "gpt2").rows == 50258
    assert rows(MDLM, "openai-community/gpt2-large").rows == 50258


def test_tokenizer_with_a_mask_token_gets_none(rows):
    told = rows(MDLM, "bert-base-uncased", 30522, has_mask_token=True)
    assert (told.rows, told.key, told.assumed) == (30522, "data.tokenizer_name_or_path", False)


def test_uniform_diffusion_of_duo_counts_the_padding_token_that_is_added(rows):
    assert "padding token" in rows(DUO | {"algo": {"name": "duo", "backbone": "dit"}}, "gpt2").because


def test_characters_of_text8_are_35_rows(rows):
    assert rows(MDLM | {"data": {"tokenizer_name_or_path": "text8"}}).rows == 35


@pytest.mark.parametrize("name", [None, "meta-llama/Meta-Llama-3-8B"])
def test_unknown_tokenizer_and_one_with_added_tokens_leave_the_rows_unknown(rows, name):
    told = rows(MDLM, name, 128256)
    assert isinstance(told, Unknown)
    assert told.field == "vocab_size"


@pytest.mark.parametrize(("graph", "expected"), [("absorb", 50258), ("uniform", 50257)])
def test_sedds_tokens_get_a_mask_token_where_the_graph_absorbs(rows, graph, expected):
    assert rows({"model": MODEL, "tokens": 50257, "graph": {"type": graph}}).rows == expected


@pytest.mark.parametrize("change", [{"graph": {"type": "other"}}, {"tokens": "???"}, {"tokens": -1}])
def test_sedds_rule_without_its_values_is_unknown(rows, change):
    assert isinstance(rows({"model": MODEL, "tokens": 50257, "graph": {"type": "absorb"}} | change), Unknown)


def test_vocabulary_that_nothing_tells_leaves_the_rest_known(read):
    reading = read({"model": MODEL})
    assert reading.shape.vocab_size is None
    assert "+model.vocab_size=50258" in reading.unknowns[0].remedies
