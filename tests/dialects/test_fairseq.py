from __future__ import annotations

import pytest

from scalecheck.account import ledger, totals
from scalecheck.dialects.models import fairseq
from scalecheck.facts import Workload
from scalecheck.survey import survey

ROBERTA = {
    "task": {"_name": "masked_lm", "data": "/nowhere", "tokens_per_sample": 512},
    "criterion": "masked_lm",
    "dataset": {"batch_size": 16},
    "optimization": {"max_update": 125000, "update_freq": [16]},
    "model": {"_name": "roberta", "max_positions": 512, "dropout": 0.1},
}
LM = ROBERTA | {"task": {"_name": "language_modeling", "data": "/nowhere", "tokens_per_sample": 128}}
SIZES = {"decoder_layers": 2, "decoder_embed_dim": 1024, "decoder_ffn_embed_dim": 4096, "decoder_attention_heads": 16}


def total(reading):
    assert reading.shape is not None, (reading.unknowns, reading.impossible)
    return totals(ledger(reading.shape, Workload(sequence_length=64))).total_params


@pytest.fixture
def dictionary(tmp_path):
    """A directory of binarized data with a dictionary of these lines."""

    def written(*lines):
        (tmp_path / "dict.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return str(tmp_path)

    return written


def test_the_sizes_of_a_named_architecture_are_those_of_its_code(read):
    """fairseq's own class has 355,411,033 parameters with RoBERTa's dictionary of 50,265 words."""
    reading = read(ROBERTA | {"model": {"_name": "roberta_large", "max_positions": 512}}, vocab_size=50265)
    assert total(reading) == 355_411_033
    assert reading.origins["num_layers"].because == "fairseq's architecture roberta_large"
    assert not reading.origins["num_layers"].assumed


@pytest.mark.parametrize(
    ("model", "params"), [("roberta", 124_696_665), ("roberta_base", 124_696_665), ("roberta_prenorm", 124_696_665), ("xlm", 381_531_225)]
)
def test_other_architectures_and_a_model_that_is_one_word(read, model, params):
    assert total(read(ROBERTA | {"model": model}, vocab_size=50265)) == params


def test_the_config_wins_over_the_architecture_and_null_does_not(read):
    shape = read(ROBERTA | {"model": {"_name": "roberta_large", "encoder_layers": 3, "encoder_embed_dim": None}}, vocab_size=99).shape
    assert (shape.num_layers, shape.hidden_size) == (3, 1024)


@pytest.mark.parametrize("prefix", ["_group_", "launch.job"])
def test_any_prefix(read, view_of, prefix):
    config = ROBERTA
    for step in reversed(prefix.split(".")):
        config = {step: config}
    assert fairseq.roots(survey(view_of(config))) == (f"{prefix}.model",)
    assert total(read(config, vocab_size=50265)) == 124_696_665


def test_positions_are_the_tasks_where_the_model_has_none(read):
    """Measured: 258 rows of positions for samples of 256 tokens, 1,026 where nothing tells."""
    task = {"_name": "masked_lm", "data": "/nowhere"}
    assert total(read(ROBERTA | {"model": {"_name": "roberta"}, "task": task | {"tokens_per_sample": 256}}, vocab_size=1001)) == 86_616_041
    assert read(ROBERTA | {"model": {"_name": "roberta"}, "task": task}, vocab_size=1001).shape.max_positions == 1024


def test_the_dictionary_on_disk_tells_the_rows(read, dictionary):
    task = ROBERTA["task"] | {"data": f"{dictionary('the 9', 'of 7', 'madeupword0000 0')}:/second/shard"}
    reading = read(ROBERTA | {"task": task})
    assert reading.shape.vocab_size == 3 + 4 + 1
    assert reading.origins["vocab_size"].key == "task.data"
    assert "3 lines of task.data's dict.txt + 4 special symbols + <mask>" in reading.origins["vocab_size"].because


def test_a_mask_that_is_in_the_dictionary_is_not_added_again(read, dictionary):
    task = ROBERTA["task"] | {"data": dictionary("the 9", "<mask> 1")}
    assert read(ROBERTA | {"task": task}).shape.vocab_size == 2 + 4


def test_a_language_model_has_no_mask(read, dictionary):
    task = LM["task"] | {"data": dictionary("the 9", "of 7")}
    assert read(LM | {"task": task, "model": {"_name": "transformer_lm"}}).shape.vocab_size == 2 + 4


@pytest.mark.parametrize("lines", [("the",), ("the 9", "the 8"), ("<pad> 1",), ("the 9", "")])
def test_a_dictionary_that_fairseq_refuses_tells_nothing(read, dictionary, lines):
    reading = read(ROBERTA | {"task": ROBERTA["task"] | {"data": dictionary(*lines)}})
    assert reading.shape.vocab_size is None
    assert "dict.txt:" in reading.unknowns[0].reason


@pytest.mark.parametrize("data", ["/nowhere", None, "???", "s3://bucket/data", "a\x00b"])
def test_without_a_dictionary_the_vocabulary_is_unknown_with_the_lines_to_type(read, data):
    reading = read(ROBERTA | {"task": ROBERTA["task"] | {"data": data}})
    assert reading.shape.vocab_size is None
    assert [unknown.field for unknown in reading.unknowns if unknown.field == "vocab_size"] == ["vocab_size"]
    assert any("read.vocab_size=" in line for unknown in reading.unknowns for line in unknown.remedies)


def test_an_unknown_dictionary_leaves_a_language_models_stack_countable(read):
    shape = read(LM | {"model": {"_name": "transformer_lm", "decoder_normalize_before": True}}).shape
    account = totals(ledger(shape, Workload(sequence_length=64)))
    assert account.total_params is None
    assert account.non_embedding_params == 19_939_328 - 2 * 1000 * 512


def test_a_truncated_output_dictionary_is_refused(read, dictionary):
    task = LM["task"] | {"data": dictionary("the 9"), "output_dictionary_size": 3}
    assert "output_dictionary_size" in read(LM | {"task": task, "model": {"_name": "transformer_lm"}}).unknowns[0].reason


def test_fairseqs_own_group_puts_the_model_a_node_deeper(view_of, read):
    config = LM | {"model": {"transformer_lm": {"decoder_layers": 3}}}
    assert fairseq.roots(survey(view_of(config))) == ("model.transformer_lm",)
    assert read(config, vocab_size=1000).shape.num_layers == 3


def test_a_named_language_model_needs_its_sizes_in_the_config(read):
    """Measured: transformer_lm_gpt alone is built 512 wide with 6 layers, as Hydra puts the dataclass's values in first."""
    reading = read(LM | {"model": {"_name": "transformer_lm_gpt", "decoder_layers": 12}}, vocab_size=1000)
    assert reading.shape is None
    assert "decoder_embed_dim, decoder_ffn_embed_dim, decoder_attention_heads are not set" in reading.unknowns[0].reason


@pytest.mark.parametrize(("name", "params"), [("transformer_lm_gpt2_small", 27_267_072), ("transformer_lm_gpt3_small", 26_218_496)])
def test_named_language_models_with_their_sizes(read, name, params):
    """Measured on fairseq's own class: gpt3 ties its head and takes the width throughout, gpt2 keeps tables of 512."""
    assert total(read(LM | {"model": SIZES | {"_name": name}}, vocab_size=1000)) == params


def test_what_a_named_architecture_overwrites_is_refused(read):
    model = SIZES | {"_name": "transformer_lm_gpt3_small", "share_decoder_input_output_embed": False}
    reading = read(LM | {"model": model}, vocab_size=1000)
    assert reading.shape is None
    assert "sets True whatever the config says" in reading.unknowns[0].reason


@pytest.mark.parametrize(
    ("option", "value"),
    [("adaptive_input", True), ("adaptive_softmax_cutoff", "20000,60000"), ("quant_noise_pq", 0.1), ("base_layers", 1), ("scale_fc", True),
     ("decoder_layers_to_keep", "0,1"), ("character_embeddings", "???")],
)  # fmt: skip
def test_options_that_are_not_counted_are_refused(read, option, value):
    reading = read(LM | {"model": {"_name": "transformer_lm", option: value}}, vocab_size=1000)
    assert reading.shape is None
    assert option in reading.unknowns[0].reason


def test_options_that_are_off_refuse_nothing(read):
    off = {"adaptive_input": False, "adaptive_softmax_cutoff": None, "quant_noise_pq": 0, "base_layers": 0}
    assert total(read(LM | {"model": {"_name": "transformer_lm"} | off}, vocab_size=1000)) == 19_938_304


@pytest.mark.parametrize(
    ("model", "task"),
    [("wav2vec2", "audio_pretraining"), ("data2vec_text", "masked_lm"), ("bart_large", "denoising"), ("transformer", "translation"),
     ("roberta", "sentence_prediction"), ("transformer_lm", "my_own_task"), (3, "masked_lm")],
)  # fmt: skip
def test_other_models_and_tasks_are_not_counted(read, model, task):
    reading = read(ROBERTA | {"task": {"_name": task, "data": "/d"}, "model": {"_name": model, "encoder_embed_dim": 768}})
    assert reading.shape is None
    assert reading.unknowns[0].field in ("family", "total_params")


def test_a_config_that_only_looks_alike_is_not_fairseqs(view_of):
    others = [
        {"model": {"_name_": "lm"}, "task": {"_name_": "lm"}, "dataset": {}, "optimizer": {}},
        {"model": {"_name": "roberta"}, "task": {"name": "lm"}, "dataset": {}, "optimizer": {}},
        {"model": {"_name": "roberta"}, "task": {"_name": "masked_lm"}, "dataset": {}},
    ]
    assert [fairseq.roots(survey(view_of(config))) for config in others] == [(), (), ()]
