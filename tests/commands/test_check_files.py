"""``scalecheck check --config``: a repo without Hydra, whose config is a list of YAML or JSON files and a dotlist."""

from __future__ import annotations

import json

import pytest

from scalecheck import cli

FILES = {
    "base.yaml": """
        model: {n_layer: 2, n_embd: 64, n_head: 2, block_size: 1024, vocab_size: 512, bias: true}
        trainer:
          max_steps: 84
          devices: 1
        data: {batch_size: 32, seq_len: 1024}
        """,
    "short.yaml": "trainer: {max_steps: 5}",
    "odd.yaml": """
        model: {n_layer: 2, n_embd: 64, n_head: 2, block_size: 1024, vocab_size: 512, bias: true}
        how_long: 84
        rows: 32
        """,
}


@pytest.fixture
def repo(app, monkeypatch):
    app.write(FILES)
    monkeypatch.chdir(app.root)
    for name in ("WORLD_SIZE", "RANK", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    return app


@pytest.fixture
def check(repo, capsys):
    """``check(*arguments)`` is (exit code, stdout, stderr)."""

    def run(*arguments):
        code = cli.main(["check", *arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out, said.err

    return run


@pytest.fixture
def job(check):
    """``job(*arguments)`` is the job of the JSON report."""

    def checked(*arguments):
        code, out, err = check(*arguments, "--format", "json")
        assert code in (0, 1), err
        (found,) = json.loads(out)["jobs"]
        return found

    return checked


def test_one_file_is_checked(check):
    code, out, err = check("--config", "base.yaml")
    assert (code, err) == (0, "")
    assert out.startswith("scalecheck: pass")


def test_nothing_is_written(check, repo):
    before = sorted(repo.root.rglob("*"))
    check("--config", "base.yaml")
    assert sorted(repo.root.rglob("*")) == before


def test_files_are_merged_in_their_order_and_overrides_come_last(job):
    assert job("--config", "base.yaml")["num_steps"] == 84
    assert job("--config", "base.yaml", "--config", "short.yaml")["num_steps"] == 5
    assert job("--config", "short.yaml", "--config", "base.yaml")["num_steps"] == 84
    assert job("--config", "short.yaml", "trainer.max_steps=90", "--config", "base.yaml")["num_steps"] == 90


def test_job_is_named_by_its_files_and_has_the_overrides_of_the_run(job):
    found = job("--config", "base.yaml", "--config", "short.yaml", "trainer.max_steps=90", "scalecheck.intent=pretrain")
    assert found["name"] == "base.yaml+short.yaml"
    assert found["overrides"] == ["trainer.max_steps=90"]


def test_json_file_counts_as_the_same_yaml(job, repo):
    model = {"n_layer": 2, "n_embd": 64, "n_head": 2, "block_size": 1024, "vocab_size": 512, "bias": True}
    text = json.dumps({"model": model, "trainer": {"max_steps": 84, "devices": 1}, "data": {"batch_size": 32, "seq_len": 1024}})
    repo.write({"base.json": text})
    ours, theirs = job("--config", "base.json"), job("--config", "base.yaml")
    for name in ("total_params", "training_tokens", "training_flops", "verdict"):
        assert ours[name] == theirs[name] is not None


def test_values_have_their_file_and_line_or_override(job):
    origins = job("--config", "base.yaml", "--config", "short.yaml", "data.batch_size=16")["origins"]
    assert (origins["num_steps"]["file"], origins["num_steps"]["line"]) == ("short.yaml", 1)
    assert (origins["num_devices"]["file"], origins["num_devices"]["line"]) == ("base.yaml", 4)
    assert origins["micro_batch_sequences"]["override"] == "data.batch_size=16"


def test_remedies_as_printed_can_be_typed(job, repo):
    """The lines name the place of this repo's policy: each is accepted as it was printed, and read where it is given a number."""
    repo.write({"model_alone.yaml": "model: {n_layer: 2, n_embd: 64, n_head: 2, block_size: 1024, vocab_size: 512}"})
    findings = job("--config", "model_alone.yaml")["findings"]
    printed = [line for finding in findings if finding["rule"] == "unknown_scale" for line in finding["remedies"]]
    assert printed
    for line in printed:
        assert line.startswith("+scalecheck.read.")
        name = line.removeprefix("+scalecheck.read.").partition("=")[0]
        job("--config", "model_alone.yaml", line)
        assert (
            job("--config", "model_alone.yaml", f"+scalecheck.read.{name}=84")["origins"][name]["override"] == f"+scalecheck.read.{name}=84"
        )


def test_line_of_a_model_that_is_refused_is_written_for_this_repo(job, repo):
    repo.write({"refused.yaml": "model: {model_type: gpt2, _target_: transformers.LlamaForCausalLM, n_layer: 2, n_embd: 64, n_head: 2}\n"})
    (line,) = [line for finding in job("--config", "refused.yaml")["findings"] for line in finding["remedies"] if "total_params" in line]
    assert line == "+scalecheck.read.total_params=124439808"
    assert job("--config", "refused.yaml", line)["total_params"] == 124439808


def test_mapping_tells_what_no_known_name_does(job):
    lines = ("scalecheck.read.num_steps=how_long", "+scalecheck.read.sequences_per_step=rows", "scalecheck.read.sequence_length=1024")
    assert job("--config", "odd.yaml")["training_tokens"] is None
    assert job("--config", "odd.yaml", *lines)["training_tokens"] == 84 * 32 * 1024


def test_line_for_a_hydra_app_may_be_typed_too(job):
    found = job("--config", "odd.yaml", "+hydra.callbacks.scalecheck.read.training_tokens=3M")
    assert found["training_tokens"] == 3_000_000
    assert found["overrides"] == []


def test_mapping_that_is_typed_can_be_taken_back(job, repo):
    repo.write({"mapped.yaml": "scalecheck: {read: {num_steps: trainer.max_steps * 2}}"})
    assert job("--config", "base.yaml", "--config", "mapped.yaml")["num_steps"] == 168
    assert job("--config", "base.yaml", "--config", "mapped.yaml", "~scalecheck.read.num_steps")["num_steps"] == 84


def test_policys_node_is_not_read_as_the_runs_config(job, repo):
    """A number that stands in the policy is no number of steps of the run."""
    repo.write({"policy_node.yaml": "scalecheck: {assume: {devices: 4}}"})
    found = job("--config", "base.yaml", "--config", "policy_node.yaml", "~trainer.devices")
    assert found["origins"]["num_devices"]["key"] == "scalecheck.assume.devices"
    assert found["origins"]["num_devices"]["assumed"]


def test_policy_option_is_the_base_of_what_is_typed(check, repo):
    repo.write({"team.yaml": "mode: stop\nrules: {undertrained: {severity: error}}\n"})
    short = ("--config", "base.yaml", "--config", "short.yaml")
    assert check(*short)[0] == 0
    assert check(*short, "--policy", "strict")[0] == 1
    assert check(*short, "--policy", "team.yaml")[0] == 1
    assert check(*short, "--policy", "strict", "scalecheck.intent=finetune")[0] == 0


def test_policy_that_is_off_is_asked_all_the_same(check):
    assert check("--config", "base.yaml", "scalecheck.mode=off")[1].startswith("scalecheck: pass")


def test_interpolations_between_files_are_resolved(job, repo):
    repo.write({"linked.yaml": "trainer: {max_steps: '${sizes.steps}'}", "sizes.yaml": "sizes: {steps: 77}"})
    assert job("--config", "base.yaml", "--config", "linked.yaml", "--config", "sizes.yaml")["num_steps"] == 77


def test_untrusted_files_read_no_environment(job, repo, monkeypatch):
    monkeypatch.setenv("SCALECHECK_STEPS", "84")
    repo.write({"env.yaml": "trainer: {max_steps: '${oc.decode:${oc.env:SCALECHECK_STEPS}}'}"})
    files = ("--config", "base.yaml", "--config", "env.yaml")
    assert job(*files)["num_steps"] == 84
    found = job(*files, "--untrusted")
    assert found["num_steps"] is None
    assert found["total_params"] == job("--config", "base.yaml")["total_params"]
    assert any("oc.env, which is not run with --untrusted" in finding["message"] for finding in found["findings"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--config", "nothing.yaml"), "nothing.yaml: No such file"),
        (("--config", "conf"), "conf: Is a directory"),
        (("--config", "base.yaml", "--config", "list.yaml"), "list.yaml: it holds a list"),
        (("--config", "broken.yaml"), "broken.yaml: "),
        (("--config", "broken.json"), "broken.json: "),
        (("--config", "conf/train.yaml"), "--config-dir and --config-name"),
        (("--config", "base.yaml", "trainer"), "key=value"),
        (("--config", "base.yaml", "~nothing"), "there is no nothing"),
        (("--config", "base.yaml", "trainer.max_steps=[1"), "trainer.max_steps=[1"),
        (("--config", "base.yaml", "--config-dir", "conf"), "--config-dir is for Hydra"),
        (("--config", "base.yaml", "--config-name", "config"), "--config-name is for Hydra"),
        (("--config", "base.yaml", "-cn", "config"), "-cn is for Hydra"),
        (("--config", "base.yaml", "--version-base", "1.3"), "--version-base is for Hydra"),
        (("--config", "base.yaml", "-m", "trainer.max_steps=1,2"), "--multirun is for Hydra"),
        (("--config", "base.yaml", "--policy", "strikt"), "strict"),
        (("--config", "base.yaml", "--policy", "nothing.yaml"), "nothing.yaml"),
        (("--config", "base.yaml", "--policy", "list.yaml"), "scalecheck"),
        (("--config", "base.yaml", "scalecheck=3"), "scalecheck is 3"),
        (("--config", "base.yaml", "scalecheck.modus=stop"), "mode"),
        (("--config", "base.yaml", "scalecheck.read.num_stps=4"), "scalecheck.read.num_stps"),
        (("--config", "base.yaml", "scalecheck.read.num_steps=${nothing}"), "scalecheck does not resolve"),
        (("--config", "base.yaml", "--untrusted", "--instantiate"), "leave one of them out"),
        (("--config", "base.yaml", "--format", "trminal"), "terminal"),
        (("--config",), "--config"),
    ],
)
def test_work_that_cannot_be_done_exits_2_with_one_sentence(check, repo, arguments, said):
    repo.write({"list.yaml": "[1, 2]", "broken.yaml": "a: [", "broken.json": "{"})
    code, out, err = check(*arguments)
    assert code == 2, out
    assert out == ""
    assert said in err
    assert "hydra.callbacks" not in err
    if not err.startswith("usage"):  # argparse's own
        assert len(err.splitlines()) == 1


def test_value_that_is_no_number_is_impossible_not_a_crash(job):
    found = job("--config", "base.yaml", "trainer.max_steps.x=1")
    assert found["num_steps"] is None
    assert any("trainer.max_steps" in finding["message"] for finding in found["findings"])


def test_empty_config_has_no_verdict(check, repo):
    repo.write({"empty.yaml": ""})
    code, out, _ = check("--config", "empty.yaml")
    assert code == 0
    assert out.startswith("scalecheck: no verdict: N unknown")


def test_mapping_over_an_unknown_resolver_is_refused(check, repo):
    repo.write({"loaded.yaml": "trainer: ${load:trainer.yaml}"})
    code, out, err = check("--config", "loaded.yaml", "--config", "short.yaml")
    assert (code, out) == (2, "")
    assert "short.yaml: keys are merged into trainer, and what that stands for is not known" in err
