"""The policy file that is written for one repo, to be filled in."""

from __future__ import annotations

import re

import pytest
import yaml

from scalecheck import mapping_file as module
from scalecheck.facts import Origin
from scalecheck.mapping_file import Sketch, mapping_file
from scalecheck.pipeline import JobInput, check_job, locate_job
from scalecheck.policy import READ_NAMES, load_policy
from scalecheck.survey import survey

GPT2 = {"n_layer": 2, "n_embd": 64, "n_head": 2, "n_positions": 1024, "vocab_size": 512}
RUN = {"trainer": {"max_steps": 84}, "data": {"batch_size": 32, "seq_len": 1024}}
ODD = {
    "net": {"depth": 2, "width": 64, "vocab": 512, "heads": 2, "dropout_len": 0.1},
    "how_long": {"updates": 84, "warmup_steps": 10, "eval_steps": 5},
    "feed": {"rows": 32, "ctx": 1024, "name": "length"},
    "optim": {"steps": 3},
    "cluster": {"gpus": 8},
}


@pytest.fixture
def written(view_of):
    """``written(config, base=…, **policy)``: the text of the file, and the node that its lines stand in."""

    def made(config, *, base="default", **policy):
        view, chosen = view_of(config), load_policy(policy)

        def place(key):
            return Origin(key=key, file="conf/x.yaml", line=7)

        job = locate_job(check_job(JobInput(view=view, environ={}), chosen), place, origins=True)
        sketch = Sketch(job=job, survey=survey(view), locate=place, mapped=chosen.read, intent=chosen.intent, base=base)
        text = mapping_file(sketch)
        loaded = yaml.safe_load(text)
        node = loaded["scalecheck"] if base is None else loaded["hydra"]["callbacks"]["scalecheck"]
        load_policy(node)
        return text, node["read"]

    return made


def lines(text):
    return [line.strip() for line in text.splitlines()]


def uncommented(text):
    """The file as a mapping once every line that maps something is taken in."""
    taken = [re.sub(r"^( *)# (\w+: [^ ])", r"\1\2", line) for line in text.splitlines()]
    kept = [line for line in taken if line.strip().partition(":")[0] in READ_NAMES and not line.strip().endswith(":")]
    return {name: value for line in kept for name, value in yaml.safe_load(line.strip()).items() if value is not None}


def test_first_lines_are_those_of_an_option_file(written):
    text, _ = written(ODD)
    assert text.startswith("# @package _global_\n")
    assert yaml.safe_load(text)["defaults"] == ["default", "_self_"]
    assert yaml.safe_load(written(ODD, base="strict")[0])["defaults"] == ["strict", "_self_"]


def test_file_for_a_repo_without_hydra_has_neither_package_nor_defaults(written):
    text, read = written(ODD, base=None)
    assert "@package" not in text
    assert "defaults:" not in text
    assert "num_steps" in read


def test_nothing_is_said_before_it_is_filled_in(written):
    for config in (ODD, {"model": GPT2, **RUN}, {}):
        _, read = written(config)
        assert read
        assert set(read.values()) == {None}


def test_found_values_are_comments_with_key_value_and_place(written):
    text, read = written({"model": GPT2, **RUN})
    assert "# num_layers: model.n_layer  # 2, conf/x.yaml:7" in lines(text)
    assert "# num_steps: trainer.max_steps  # 84, conf/x.yaml:7" in lines(text)
    assert "# intermediate_size: 256  # 4 x hidden_size 64" in lines(text)
    assert not any("training_tokens:" in line for line in lines(text))  # a product, which a line would freeze
    assert set(read) == {"total_params", "num_devices"}


def test_missing_factors_are_lines_to_fill_in_with_an_example(written):
    text, read = written(ODD)
    assert set(read) == {"total_params", "num_steps", "sequences_per_step", "sequence_length"}
    for name in read:
        assert any(line.startswith(f"{name}:  # for example ") for line in lines(text))


@pytest.mark.parametrize(
    "line",
    [
        "# num_layers: net.depth  # 2, conf/x.yaml:7",
        "# hidden_size: net.width  # 64, conf/x.yaml:7",
        "# num_attention_heads: net.heads  # 2, conf/x.yaml:7",
        "# vocab_size: net.vocab  # 512, conf/x.yaml:7",
        "# num_steps: how_long.updates  # 84, conf/x.yaml:7",
        "# sequences_per_step: feed.rows  # 32, conf/x.yaml:7",
        "# sequence_length: feed.ctx  # 1024, conf/x.yaml:7",
        "# num_devices: cluster.gpus  # 8, conf/x.yaml:7",
    ],
)
def test_candidates_are_found_by_name_and_value(written, line):
    assert line in lines(written(ODD)[0])


@pytest.mark.parametrize("key", ["how_long.warmup_steps", "how_long.eval_steps", "optim.steps", "net.dropout_len", "feed.name"])
def test_what_is_about_something_else_or_no_count_is_no_candidate(written, key):
    assert key not in written(ODD)[0]


def test_candidates_as_written_make_the_check_work(written, read):
    """The commented lines, taken in with a family, are a mapping that tells N and D."""
    mapping = uncommented(written(ODD)[0]) | {"family": "gpt2"}
    for name in ("micro_batch_sequences", "gradient_accumulation", "training_tokens", "total_params"):
        mapping.pop(name, None)
    reading = read(ODD, **mapping)
    assert (reading.shape.num_layers, reading.shape.hidden_size, reading.shape.vocab_size) == (2, 64, 512)
    assert reading.plan.training_tokens == 84 * 32 * 1024


def test_found_lines_as_written_tell_the_same_as_no_file(written, read):
    config = {"model": GPT2, **RUN, "trainer": {"max_steps": 84, "devices": 2}}
    mapping = uncommented(written(config)[0])
    assert {"num_layers", "num_steps", "sequence_length"} <= set(mapping)
    plain, mapped = read(config), read(config, **mapping)
    assert mapped.shape == plain.shape
    assert mapped.plan.training_tokens == plain.plan.training_tokens


def test_ambiguous_keys_are_all_listed_above_an_empty_line(written):
    config = {"model": GPT2, "trainer": {"max_steps": 84, "devices": 1}, "data": {"batch_size": 32, "seq_len": 1024}, "x": {"seq_len": 512}}
    text, read = written(config)
    found = lines(text)
    assert read["sequence_length"] is None
    place = next(number for number, line in enumerate(found) if line.startswith("sequence_length:"))
    assert found[place - 2 : place] == [
        "# sequence_length: data.seq_len  # 1024, conf/x.yaml:7",
        "# sequence_length: x.seq_len  # 512, conf/x.yaml:7",
    ]


def test_several_models_are_a_line_to_choose_by(written):
    text, read = written({"teacher": GPT2, "student": {**GPT2, "n_layer": 1}, **RUN})
    assert read["model"] is None
    assert "# model: teacher  # a node, conf/x.yaml:7" in lines(text)
    assert "# model: student  # a node, conf/x.yaml:7" in lines(text)
    assert "can be counted" not in text


def test_size_that_a_known_family_lacks_is_a_line_of_its_own(written):
    text, read = written({"model": {name: value for name, value in GPT2.items() if name != "vocab_size"}, **RUN})
    assert "vocab_size" in read
    assert "can be counted" not in text


def test_factor_that_cannot_be_read_is_a_line_of_its_own(written):
    _, read = written({"model": GPT2, **RUN, "trainer": {"max_steps": 84, "accumulate_grad_batches": "???", "devices": 1}})
    assert read["gradient_accumulation"] is None


def test_unread_family_lists_those_that_can_be_counted(written):
    text, _ = written({"model": {"model_type": "nobody-knows", "num_hidden_layers": 2, "hidden_size": 8}, **RUN})
    assert re.search(r"^ +#   .*\bgpt2\b", text, re.MULTILINE)
    assert "nobody-knows" in text


def test_what_is_mapped_already_is_kept(written):
    text, read = written(
        ODD,
        read={"num_steps": "how_long.updates * 2", "total_params": "124M", "sequence_length": 1024, "family": "gpt2"},
        intent="pretrain",
    )
    assert read["num_steps"] == "how_long.updates * 2"
    assert read["total_params"] == 124_000_000
    assert read["sequence_length"] == 1024
    assert read["family"] == "gpt2"
    assert "intent: pretrain" in text


@pytest.mark.parametrize("key", ["on", "y", "null_steps", "a.b", "stages[0].steps", "1e3", "2 * a"])
def test_mapped_key_stays_the_text_that_it_is(written, key):
    assert str(written(ODD, read={"num_steps": key})[1]["num_steps"]) in (key, "1000")


def test_intent_is_auto_and_says_how_it_was_read(written):
    text, _ = written({"model": GPT2, **RUN})
    assert re.search(r"intent: auto  # read as pretrain \(", text)


def test_names_of_the_file_are_those_that_the_policy_takes():
    names = {*module._SIZES, *module._OF_A_PLAN, *module._PARTS_OF_A_BATCH, *module._EXAMPLES, *module._WORDS}
    assert names <= set(READ_NAMES)


@pytest.mark.parametrize("name", ["a\nb: 1", "a: b", "# x", "'", "{{}}", "{", "-", "\x1b[31m", "a b", "a-b", "1", "null", "true"])
def test_hostile_names_and_values_stay_in_comments(written, name):
    config = {
        name: {"seq_len": 5, "batch_size": 4},
        "depth": {name: 3},
        "x": {f"steps{name}": 3, "model_type": f"{name}\nread: 5"},
        "y": {"seq_len": 6, "n_layer": name, "n_embd": 4},
    }
    text, read = written(config)
    assert set(read.values()) == {None}
    assert all(line.lstrip().startswith("#") or line == "" or ":" in line or line.lstrip().startswith("- ") for line in text.splitlines())
