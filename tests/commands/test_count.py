"""``scalecheck count``: the ledger of a config.json or of a repo's config, and one sentence for what cannot be counted."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from scalecheck.cli import main

CONFIGS = Path(__file__).parents[1] / "oracle" / "configs"
LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "intermediate_size": 96,
    "vocab_size": 100,
    "tie_word_embeddings": False,
    "attention_bias": False,
    "mlp_bias": False,
}
MIXTRAL = LLAMA | {"model_type": "mixtral", "architectures": ["MixtralForCausalLM"], "num_local_experts": 4, "num_experts_per_tok": 2}


@pytest.fixture
def count(tmp_path, capsys):
    """``count(config, *options)`` is the command on a file with this content: exit code, standard output, standard error."""

    def counted(config, *options):
        path = tmp_path / "config.json"
        path.write_text(config if isinstance(config, str) else json.dumps(config, indent=2))
        code = main(["count", str(path), *options])
        return (code, *capsys.readouterr())

    return counted


def test_llama_3_1_405b_to_the_digit(capsys):
    assert main(["count", str(CONFIGS / "llama-3.1-405b.json")]) == 0
    text = capsys.readouterr().out
    assert "405,853,388,800" in text
    assert "401,650,696,192" in text
    assert "2,473,221,685,248" in text


def test_deepseek_v3_to_the_digit(capsys):
    """The published 671,026,419,200 are these and the router's 58 x 256 balancing biases, which are buffers."""
    assert main(["count", str(CONFIGS / "deepseek-v3.json"), "--format", "json", "--sequence-length", "4096"]) == 0
    counted = json.loads(capsys.readouterr().out)
    assert counted["total_params"] == 671_026_419_200 - 58 * 256
    assert counted["training_flops_per_token"] == pytest.approx(2.8115e11, rel=2e-5)
    assert counted["active_params"] == 37_552_282_624


def test_shares_are_of_the_sums(count):
    code, text, _ = count(LLAMA)
    assert code == 0
    (line,) = [line for line in text.splitlines() if line.startswith("mlp.gate")]
    total = 2 * (64 * 64 * 2 + 64 * 16 * 2 + 3 * 64 * 96 + 2 * 64) + 64 + 2 * 64 * 100
    assert f"{2 * 64 * 96:,}" in line
    assert f"{100 * 2 * 64 * 96 / total:.1f} %" in line
    assert f"{total:,}" in text


def test_json_sums_its_parts(count):
    code, text, _ = count(MIXTRAL, "--format", "json", "--sequence-length", "7")
    counted = json.loads(text)
    assert code == 0
    assert counted["total_params"] == sum(part["params"] * part["copies"] for part in counted["parts"])
    forward = sum(part["forward_flops_per_sequence"] * part["active_copies"] for part in counted["parts"])
    assert counted["forward_flops_per_sequence"] == forward
    assert counted["training_flops_per_sequence"] == 3 * forward
    assert counted["training_flops_per_token"] == 3 * forward / 7
    assert counted["six_n_flops_per_token"]["active"] == 6 * counted["active_params"]


def test_experts_show_how_many_are_used(count):
    _, text, _ = count(MIXTRAL)
    assert "4 of 8" in next(line for line in text.splitlines() if line.startswith("experts.up"))


def test_what_was_assumed_is_said(count):
    _, text, _ = count({"model_type": "llama", "num_hidden_layers": 2})
    assert "assumed: hidden_size=4096 (the default of the config class of llama)" in text
    assert "assumed: head (causal_lm: architectures is not set; it is what llama is pre-trained with)" in text
    assert "assumed: sequence_length (2048 tokens" in text
    assert "num_layers" not in text


def test_a_whole_config_has_nothing_assumed_but_the_length(count):
    _, text, _ = count(LLAMA)
    assert [line for line in text.splitlines() if "assumed" in line] == [
        "note: assumed: sequence_length (2048 tokens: not set, and FLOPs depend on it; --sequence-length tells)"
    ]
    _, text, _ = count(LLAMA, "--sequence-length", "128")
    assert "assumed" not in text


@pytest.mark.parametrize("attention", ["full", "causal", "windowed"])
def test_attention_convention_is_chosen_and_named(count, attention):
    _, text, _ = count(MIXTRAL | {"sliding_window": 4}, "--sequence-length", "10", "--attention", attention, "--format", "json")
    scores = next(part for part in json.loads(text)["parts"] if part["kind"] == "scores")
    pairs = {"full": 100, "causal": 55, "windowed": 10 + 6 * 4}[attention]
    assert scores["forward_flops_per_sequence"] == 2 * pairs * 8 * (8 + 8)
    assert f"{attention} attention" in count(MIXTRAL, "--attention", attention)[1]


def test_size_keys_of_another_family_are_reported(count):
    code, text, _ = count(LLAMA | {"num_local_experts": 8})
    assert code == 0
    assert "warning: num_local_experts is set, and llama has no such part: it is not counted" in text


def test_an_image_has_its_own_length(capsys):
    assert main(["count", str(CONFIGS / "vit-base-patch16-224.json"), "--format", "json"]) == 0
    counted = json.loads(capsys.readouterr().out)
    assert (counted["sequence_length"], counted["origins"]["sequence_length"]["assumed"]) == (197, False)


def test_lengths_of_both_stacks_are_said(capsys):
    assert main(["count", str(CONFIGS / "t5-small.json"), "--sequence-length", "64", "--source-length", "512"]) == 0
    assert "at 64 tokens and 512 in the encoder" in capsys.readouterr().out


def test_active_params_are_a_row_of_their_own_only_where_they_differ(count):
    assert "6N, active N" in count(MIXTRAL)[1]
    assert "6N, active N" not in count(LLAMA)[1]


def test_flops_of_a_whole_sequence_are_printed(count):
    text = count(LLAMA, "--sequence-length", "7")[1]
    sequence = json.loads(count(LLAMA, "--sequence-length", "7", "--format", "json")[1])["training_flops_per_sequence"]
    assert f"training FLOPs C per sequence: {sequence:,}" in text


def test_a_directory_is_its_config_file(tmp_path, capsys):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    assert main(["count", str(tmp_path)]) == 0
    assert "llama" in capsys.readouterr().out


def test_a_repo_is_counted_at_the_length_that_it_trains_on(app):
    done = app.cli("count", "--config-dir", "conf", "--config-name", "train", "model=large", "--format", "json")
    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)
    assert (counted["family"], counted["total_params"], counted["sequence_length"]) == ("gpt2", 124_475_904, 1024)
    assert counted["origins"]["hidden_size"]["file"] == "conf/model/large.yaml"


def test_a_repo_without_a_schedule_can_be_counted(app):
    app.write(
        {
            "conf/alone.yaml": "model: {model_type: llama, num_hidden_layers: 2, hidden_size: 64, num_attention_heads: 2, intermediate_size: 96, vocab_size: 50}\n"
        }
    )
    done = app.cli("count", "--config-name", "alone")
    assert done.returncode == 0, done.stderr
    assert "assumed: sequence_length" in done.stdout


def test_a_repo_with_an_unknown_vocabulary_prints_the_rest_and_exits_2(app):
    app.write({"conf/alone.yaml": "model: {n_layer: 2, n_embd: 64, n_head: 2, block_size: 128}\n"})
    done = app.cli("count", "--config-name", "alone")
    assert done.returncode == 2
    assert "non-embedding" in done.stdout
    assert "model.vocab_size is not set" in done.stderr


def test_a_repo_without_a_model_exits_2(app):
    app.write({"conf/alone.yaml": "lr: 0.1\n"})
    done = app.cli("count", "--config-name", "alone")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no model" in done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hidden_size": "64"}, "hidden_size is '64'; hidden_size must be a positive whole number, not text"),
        ({"num_hidden_layers": -2}, "num_hidden_layers is -2; num_layers must be above zero"),
        ({"vocab_size": float("nan")}, "vocab_size is nan; vocab_size must be a positive whole number"),
        ({"intermediate_size": float("inf")}, "intermediate_size is inf"),
        ({"hidden_size": 64.5}, "hidden_size is 64.5"),
        ({"hidden_size": [64]}, "hidden_size is [64]"),
        ({"hidden_size": True}, "hidden_size is True"),
        ({"hidden_size": 10**16}, "larger than any run"),
        ({"num_key_value_heads": 3}, "num_key_value_heads=3 does not divide num_attention_heads=8"),
        ({"attention_bias": "no"}, "attention_bias must be true or false"),
        ({"architectures": ["LlamaForSequenceClassification"]}, "whose head is not counted; of llama these are: ...ForCausalLM"),
        ({"model_type": None}, "model_type is not set"),
        ({"model_type": 3}, "model_type is 3, not a name"),
        ({"model_type": "lama"}, "the nearest in name is llama, which is not used"),
        ({"model_type": "gemma3", "text_config": {"model_type": "gemma3_text"}}, "its text_config alone is gemma3_text"),
        ({"vocab_size": None}, "vocab_size is not set"),
    ],
)
def test_config_that_cannot_be_counted_exits_2_with_one_sentence(count, change, said):
    code, _, error = count(LLAMA | change)
    assert code == 2
    assert said in error
    assert error.count("\n") == 1, error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"num_experts_per_tok": 5}, "num_active_experts=5 is more than num_experts=4"),
        ({"num_local_experts": 0}, "num_local_experts is 0; num_experts must be above zero"),
    ],
)
def test_impossible_mixtures_exit_2(count, change, said):
    code, text, error = count(MIXTRAL | change)
    assert (code, text) == (2, "")
    assert said in error


def test_layer_list_of_the_wrong_length_exits_2(count):
    code, text, error = count({"model_type": "gpt_oss", "num_hidden_layers": 3, "layer_types": ["full_attention"]})
    assert (code, text) == (2, "")
    assert "layer_types has 1 entries, and there are 3 layers" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "this is not JSON"),
        ("{'a': 1}", "config.json:1: this is not JSON"),
        ('{\n"model_type" "llama"\n}', "config.json:2: this is not JSON"),
        ("[1, 2]", "holds a list; a model's config is an object"),
        ('"llama"', "holds a string"),
        ("3", "holds a number"),
        ("null", "holds null"),
        ("[" * 100_000, "nested too deeply"),
        ('{"hidden_size": ' + "9" * 5000 + "}", "not JSON that can be read"),
        ("{" + " " * 10_000_000 + "}", "has 10,000,002 bytes; a model's config has a few thousand"),
    ],
    ids=["empty", "python", "comma", "list", "string", "number", "null", "deep", "digits", "large"],
)
def test_file_that_is_no_config_exits_2_with_one_sentence(count, text, said):
    code, out, error = count(text)
    assert (code, out) == (2, "")
    assert said in error
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_bytes_that_are_no_text_exit_2(tmp_path, capsys):
    (tmp_path / "model.json").write_bytes(b"\x80\x02\xff\xfe")
    assert main(["count", str(tmp_path / "model.json")]) == 2
    assert "not text in UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere/config.json"], "nowhere/config.json: it cannot be read (No such file or directory)"),
        ([str(CONFIGS / "gpt2.json"), "model=large"], "beside it stands 'model=large'"),
        ([str(CONFIGS / "gpt2.json"), "--instantiate"], "names no code"),
        ([str(CONFIGS / "gpt2.json"), "--sequence-length", "-3"], "--sequence-length -3: it needs a whole number"),
        ([str(CONFIGS / "gpt2.json"), "--sequence-length", "two"], "--sequence-length two: it needs a whole number"),
        ([str(CONFIGS / "gpt2.json"), "--format", "yaml"], "yaml"),
        ([str(CONFIGS / "gpt2.json"), "--attention", "sparse"], "sparse"),
    ],
)
def test_arguments_that_make_no_sense_exit_2(arguments, said, capsys):
    assert main(["count", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_a_module_needs_torch_and_the_formula_is_printed_all_the_same(app):
    """Run where torch is hidden, so that it says the same on a machine that has it."""
    app.write({"hide/sitecustomize.py": "import sys\nsys.modules['torch'] = None\n"})
    environ = {"PYTHONPATH": str(app.root / "hide")}
    done = app.spawn(sys.executable, "-m", "scalecheck.cli", "count", "--config-name", "train", "--instantiate", env=environ)
    assert done.returncode == 2
    assert "was not built: torch is not installed here" in done.stderr
    assert "non-embedding" in done.stdout


def test_what_the_policy_wants_built_at_a_launch_is_not_built_here(app):
    done = app.cli("count", "--config-name", "train", "hydra.callbacks.scalecheck.count=instantiate")
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_heavy_is_imported(app):
    program = (
        "import sys; from scalecheck.cli import main; main(sys.argv[1:]); "
        "heavy = {'torch', 'transformers', 'numpy', 'pydantic', 'hydra', 'omegaconf'} & set(sys.modules); print('heavy', sorted(heavy))"
    )
    done = app.spawn(sys.executable, "-c", program, "count", str(CONFIGS / "gpt2.json"))
    assert "heavy []" in done.stdout, done.stdout + done.stderr


def test_model_of_a_repo_without_hydra_is_counted_from_its_files(app):
    app.write({"base.yaml": "model: {n_layer: 2, n_embd: 64, n_head: 2, block_size: 128, vocab_size: 512, bias: true}"})
    done = app.cli("count", "--config", "base.yaml", "model.n_layer=3", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["total_params"] == 512 * 64 + 128 * 64 + 3 * (12 * 64 * 64 + 13 * 64) + 2 * 64


def test_interrupted_command_says_so_and_leaves_with_130(capsys, monkeypatch):
    from scalecheck import cli
    from scalecheck.commands import count

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(count, "run", interrupt)
    assert cli.main(["count", "config.json"]) == 130
    assert capsys.readouterr().err == "\nscalecheck: interrupted.\n"
