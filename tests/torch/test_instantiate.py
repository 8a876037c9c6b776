"""Counting what the user's own code builds: real modules on the meta device, through Hydra's own ``instantiate``."""

from __future__ import annotations

import json
import random
import socket
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

import scalecheck
from scalecheck import module_count
from scalecheck.account import ledger, totals
from scalecheck.errors import ConfigError
from scalecheck.facts import ModuleCount, Unknown, Workload
from scalecheck.instantiate import count_built, recall
from scalecheck.launch import checked_job, instantiated_job
from scalecheck.policy import load_policy

USERCODE = Path(__file__).parent / "usercode"
PREFIX = "hydra.callbacks.scalecheck"
LLAMA = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 176,
         "vocab_size": 512}  # fmt: skip
MIXTRAL = LLAMA | {"num_local_experts": 4, "num_experts_per_tok": 2}
GPT2 = {"n_layer": 2, "n_embd": 64, "n_head": 4, "n_positions": 128, "vocab_size": 512}
NET = {"_target_": "my_models.Net", "dim": 8, "depth": 3, "vocab": 16}
NET_PARAMS = 16 * 8 + 64 * 8 + 3 * (8 * 24 + 24 + 8 * 8 + 8)


def transformers_node(model: str, config: str, **sizes):
    """Return a node as people write it: a model class that takes its config, by Hydra's own names."""
    return {"_target_": f"transformers.{model}", "config": {"_target_": f"transformers.{config}", **sizes}}


def built(config: dict, target: str = "model", length: int | None = 32):
    return count_built(OmegaConf.create(config), target, PREFIX, length)


def refused(config: dict, target: str = "model") -> str:
    found = built(config, target)
    assert isinstance(found, Unknown), found
    assert found.field == "module"
    assert found.reason.startswith(f"{target} was not built: ")
    assert "\n" not in found.reason
    assert len(found.reason) < 500
    return found.reason


def checked(config: dict, policy: dict | None = None, check=instantiated_job):
    """Run a config through the whole line."""
    whole = OmegaConf.create({"trainer": {"max_steps": 10, "devices": 1}, "data": {"batch_size": 4, "seq_len": 32}} | config)
    return check(whole, load_policy(policy), PREFIX, name="test", overrides=())


# --- models of transformers against the formulas


@pytest.mark.parametrize(
    ("model", "config", "family", "sizes"),
    [
        ("LlamaForCausalLM", "LlamaConfig", "llama", LLAMA),
        ("LlamaForCausalLM", "LlamaConfig", "llama", LLAMA | {"tie_word_embeddings": True, "attention_bias": True}),
        ("GPT2LMHeadModel", "GPT2Config", "gpt2", GPT2),
        ("GPT2LMHeadModel", "GPT2Config", "gpt2", GPT2 | {"n_inner": 100, "tie_word_embeddings": False}),
        ("MixtralForCausalLM", "MixtralConfig", "mixtral", MIXTRAL),
    ],
)
def test_module_equals_the_formula_in_params_and_flops(model, config, family, sizes):
    job = checked({"model": transformers_node(model, config, **sizes)})
    module, shape = job.run.reading.module, job.run.reading.shape
    assert isinstance(module, ModuleCount), job.run.reading.unknowns
    assert shape.family == family
    account = totals(ledger(shape, Workload(sequence_length=32)))
    assert module.total_params == module.trainable_params == account.total_params == job.run.account.formula_params
    assert module.forward_flops_per_sequence == account.forward_flops_per_sequence
    assert sum(size for _, size in module.params_by_module) == module.total_params
    assert [finding.message for finding in job.findings if finding.rule == "count_mismatch"] == []
    assert job.run.account.params_status == "exact"


def test_head_that_is_tied_counts_once():
    tied, untied = (built({"model": transformers_node("LlamaForCausalLM", "LlamaConfig", **LLAMA, tie_word_embeddings=tie)})
                    for tie in (True, False))  # fmt: skip
    assert untied.total_params - tied.total_params == 512 * 64


def test_code_that_does_not_read_the_config_is_found():
    node = transformers_node("GPT2LMHeadModel", "GPT2Config", **GPT2)
    config = {"model": GPT2, "network": node | {"config": node["config"] | {"n_layer": 1}}}
    job = checked(config, {"instantiate": "network", "read": {"model": "model"}})
    (found,) = [finding for finding in job.findings if finding.rule == "count_mismatch"]
    layer = 12 * 64 * 64 + 13 * 64
    assert found.severity == "warning"
    assert f"{job.run.account.formula_params:,}" in found.message
    assert f"{job.run.reading.module.total_params:,}" in found.message
    assert f"{layer:,} fewer" in found.message
    assert found.origin.key == "model.n_layer"
    assert job.run.account.total_params == job.run.reading.module.total_params
    assert job.run.account.formula_params - layer == job.run.account.total_params


def test_routing_that_depends_on_values_says_so_and_params_stay():
    found = built({"model": {"_target_": "my_models.Routed"}})
    assert found.total_params == 16 * 8 + 8 * 4 + 4 + 4 * (8 * 8 + 8)
    assert found.forward_flops_per_sequence is None
    assert "depends on the values of its tensors" in found.flops_because
    job = checked({"model": {"_target_": "my_models.Routed"}})
    assert job.run.account.training_flops == 6 * found.total_params * job.run.account.training_tokens
    assert job.run.account.training_flops_because.startswith("6ND: no FLOPs were counted on the module")


# --- modules of no known family


def test_custom_module_is_counted_and_its_unknowns_are_settled():
    job = checked({"model": NET})
    module, account = job.run.reading.module, job.run.account
    assert job.run.reading.shape is None
    assert (module.total_params, module.trainable_params) == (NET_PARAMS, NET_PARAMS - 64 * 8)
    assert (account.total_params, account.trainable_params) == (NET_PARAMS, NET_PARAMS - 64 * 8)
    per_layer = 2 * 32 * (8 * 24 + 8 * 8) + 2 * 2 * 32 * 32 * 8
    assert module.forward_flops_per_sequence == 3 * per_layer + 2 * 32 * 8 * 16
    assert account.training_flops == 3 * module.forward_flops_per_sequence * 4 * 10
    assert job.run.reading.unknowns == ()
    assert dict(module.params_by_module) == {
        "embed": 128, "positions": 512, "blocks.*.qkv": 3 * 216, "blocks.*.out": 3 * 72,
    }  # fmt: skip


def test_without_the_word_nothing_is_built():
    import my_models

    my_models.BUILT.clear()
    config = {"model": {"_target_": "my_models.counted_build", "name": "first"}}
    job = checked(config, {"count": "instantiate"}, check=checked_job)
    assert (job.run.reading.module, job.run.account.total_params, my_models.BUILT) == (None, None, [])
    assert checked(config, {"count": "formula"}).run.reading.module is not None, "the word alone is enough"
    assert my_models.BUILT == ["first"]
    (found,) = [unknown for unknown in job.run.reading.unknowns if unknown.field == "module"]
    assert "--instantiate" in found.reason
    assert "--instantiate" in " ".join(finding.message for finding in job.findings if finding.rule == "unknown_scale")


def test_function_gets_the_composed_config_without_hydras_part():
    config = {"hydra": {"job": {"name": "x"}}, "net": {"dim": 8, "depth": 3}}
    assert built(config, "my_models.build").total_params == NET_PARAMS


def test_node_may_stand_anywhere():
    assert built({"task": {"net": NET}}, "task.net").total_params == NET_PARAMS


def test_unknown_length_leaves_params_known():
    found = built({"model": NET}, length=None)
    assert (found.total_params, found.forward_flops_per_sequence) == (NET_PARAMS, None)
    assert found.flops_because == "the sequence length is unknown"


def test_length_beyond_the_models_positions_is_told():
    found = built({"model": NET}, length=128)
    assert found.forward_flops_per_sequence is None
    assert "does not run on tokens alone" in found.flops_because


def test_product_without_a_formula_is_not_counted_as_nothing():
    found = built({"model": {"_target_": "my_models.Grouped"}})
    assert found.total_params == 16 * 16 + 2 * 16 * 16
    assert found.forward_flops_per_sequence is None
    assert "_grouped_mm" in found.flops_because


def test_module_that_takes_pictures_is_told():
    found = built({"model": {"_target_": "my_models.Images"}})
    assert "takes pixel_values first" in found.flops_because


def test_forward_pass_that_does_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(module_count, "MAX_FORWARD_SECONDS", 0.2)
    found = built({"model": NET | {"_target_": "my_models.Endless"}})
    assert found.total_params == NET_PARAMS
    assert "took more than" in found.flops_because


def test_rows_are_few_however_many_modules():
    wide = torch.nn.ModuleDict({f"part{number}": torch.nn.ModuleDict({"a": torch.nn.Linear(2, number + 1), "b": torch.nn.Linear(2, 2)})
                                for number in range(100)})  # fmt: skip
    rows = module_count.count_module(wide, "wide", None).params_by_module
    assert len(rows) == module_count.MAX_ROWS
    assert rows[-1][0] == "(53 smaller ones)"
    assert sum(size for _, size in rows) == scalecheck.count_parameters(wide)
    halved = torch.nn.ModuleDict({f"part{number}": wide[f"part{number}"] for number in range(30)})
    assert [name for name, _ in module_count.count_module(halved, "halved", None).params_by_module][:2] == ["part0", "part1"]


# --- what cannot be built: one sentence each


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ({"_target_": "my_models.NeedsTokenizer", "dim": 8}, "needs 'tokenizer' and 'vocab_size', which the config does not give"),
        ({"_target_": "my_models.Flash"}, "it needs flash_attn_of_nobody, which is not installed here"),
        ({"_target_": "not_there.Net"}, "it needs not_there, which is not installed here"),
        ({"_target_": "my_models.NoSuchNet"}, "there is no my_models.NoSuchNet"),
        ({"_target_": "my_models.Drops"}, "reads values of a tensor"),
        ({"_target_": "my_models.Broken"}, "ValueError: depth must be even"),
        ({"_target_": "my_models.Ends"}, "ended the program (SystemExit: 0), which is no pass"),
        ({"_target_": "my_models.Downloads"}, "it wanted to reach weights.example"),
        ({"_target_": "my_models.Downloads", "tries": 50}, "it wanted to reach weights.example"),
        ({"_target_": "my_models.Net", "_partial_": True}, "_partial_ is true"),
        ({"_target_": "collections.OrderedDict"}, "it is a OrderedDict, not a torch.nn.Module"),
        ({"_target_": "transformers.LlamaConfig"}, "it is a LlamaConfig, which describes a model and is none"),
        (NET | {"dim": "${nowhere.dim}"}, "does not resolve"),
        (NET | {"dim": "???"}, "is not set"),
        (GPT2, "the node has no _target_"),
        ("???", "is not set"),
    ],
)
def test_what_cannot_be_built_is_one_sentence(node, said):
    assert said in refused({"model": node})


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("modell", "Did you mean 'model'?"),
        ("my_models.nothing", "neither a node of the config nor a function"),
        ("not_there.build", "it needs not_there, which is not installed here"),
        ("my_models.NOT_CALLABLE", "it is a int, not a function"),
        ("my_models.number", "it is a int, not a torch.nn.Module"),
        ("model.nothing", "was not built"),
    ],
)
def test_what_is_named_and_is_not_there_is_one_sentence(target, said):
    assert said in refused({"model": NET}, target)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_module_that_asks_for_a_device_is_one_sentence():
    """A device that the code names itself wins over the meta device."""
    assert "it needs a CUDA device" in refused({"model": {"_target_": "my_models.Cuda"}})


def test_unset_weights_are_no_count():
    assert "lazy" in refused({"model": {"_target_": "my_models.Lazy"}})


def test_from_pretrained_ends_soon(tmp_path, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    node = {"_target_": "transformers.AutoModelForCausalLM.from_pretrained", "pretrained_model_name_or_path": "nobody/nothing"}
    assert "it wanted to reach huggingface.co" in refused({"model": node})


def test_failure_is_in_the_report_and_the_formula_is_used():
    job = checked({"model": GPT2})
    assert job.run.reading.module is None
    assert job.run.account.total_params == totals(ledger(job.run.reading.shape, Workload(sequence_length=32))).total_params
    assert any("module is unknown: model was not built" in finding.message for finding in job.findings)


def test_interrupt_is_the_users():
    with pytest.raises(KeyboardInterrupt):
        built({"model": {"_target_": "my_models.Interrupted"}})
    assert "connect" not in vars(socket.socket)


# --- what the process is afterwards


def test_process_is_as_it_was(capsys):
    random.seed(1)
    torch.manual_seed(1)
    expected = (random.random(), torch.rand(1).item())
    random.seed(1)
    torch.manual_seed(1)
    before = (socket.getaddrinfo, socket.socket.connect)
    assert built({"model": {"_target_": "my_models.Disturbs"}}).total_params
    assert (random.random(), torch.rand(1).item()) == expected
    assert (socket.getaddrinfo, socket.socket.connect) == before
    said = capsys.readouterr()
    assert said.out == ""
    assert "BUILDING" in said.err
    assert torch.zeros(1).device.type == "cpu"


def test_same_node_is_built_once_and_a_job_only_recalls():
    import my_models

    my_models.BUILT.clear()
    node = {"_target_": "my_models.counted_build", "name": "first"}
    first = OmegaConf.create({"model": node, "seed": 1})
    second = OmegaConf.create({"model": node, "seed": 2})
    assert isinstance(recall(first, "model", 32), Unknown)
    assert count_built(first, "model", PREFIX, 32) == count_built(second, "model", PREFIX, 32) == recall(second, "model", 32)
    assert my_models.BUILT == ["first"]
    count_built(OmegaConf.create({"model": node | {"name": "second"}}), "model", PREFIX, 32)
    assert my_models.BUILT == ["first", "second"]


# --- count_parameters, for people who have a live module


def test_count_parameters_of_a_live_module():
    from my_models import Net

    live = Net(8, 3, 16)
    assert scalecheck.count_parameters(live) == NET_PARAMS - 64 * 8 == sum(p.numel() for p in live.parameters() if p.requires_grad)
    assert scalecheck.count_parameters(live, trainable=False) == NET_PARAMS
    twice = sum(p.numel() for _, p in live.named_parameters(remove_duplicate=False))
    assert twice - NET_PARAMS == 16 * 8
    assert live.training, "counting changes nothing"


def test_count_parameters_refuses_what_has_none():
    with pytest.raises(ConfigError, match="lazy"):
        scalecheck.count_parameters(torch.nn.LazyLinear(8))
    with pytest.raises(TypeError, match="dict"):
        scalecheck.count_parameters({})


# --- a launch


def test_launch_builds_and_the_job_remembers(app):
    app.write({
        "my_net.py": (USERCODE / "my_models.py").read_text(),
        "conf/train.yaml": """
            defaults: [{trainer: default}, {scalecheck: default}, _self_]
            model: {_target_: my_net.Net, dim: 8, depth: 3, vocab: 16, length: 1024}
            data: {batch_size: 32, seq_len: 1024}
            seed: 1
            hydra: {callbacks: {scalecheck: {count: instantiate}}}
            """,
    })  # fmt: skip
    params = NET_PARAMS + (1024 - 64) * 8
    done = app.run()
    assert done.returncode == 0, done.stderr
    assert f"N {params / 1000:.2f}K params" in done.stderr or f"N {params:,} params" in done.stderr
    (report,) = app.root.rglob("scalecheck.json")
    (job,) = json.loads(report.read_text())["jobs"]
    assert job["total_params"] == params
    assert job["status"]["params"] == "exact"
    swept = app.run("-m", "seed=1,2")
    assert swept.returncode == 0, swept.stderr
    assert app.trained == 3


def test_launch_whose_code_ends_the_program_still_trains(app):
    app.write({
        "my_net.py": (USERCODE / "my_models.py").read_text(),
        "conf/train.yaml": """
            defaults: [{trainer: default}, {scalecheck: default}, _self_]
            model: {_target_: my_net.Ends}
            data: {batch_size: 32, seq_len: 1024}
            hydra: {callbacks: {scalecheck: {count: instantiate}}}
            """,
    })  # fmt: skip
    done = app.run()
    assert "ended the program (SystemExit: 0), which is no pass" in done.stderr
    assert (done.returncode, app.trained) == (0, 1)
