"""``--untrusted``: a config of somebody else's runs nothing, whatever it says; and what is resolved at a launch without it."""

from __future__ import annotations

import json
import sys

import pytest
from omegaconf import OmegaConf

from scalecheck import cli

pytestmark = [pytest.mark.extended, pytest.mark.filterwarnings("ignore")]  # Hydra warns of search path entries that are not there
SECRET = "40961"
MODEL = "{n_layer: 2, n_embd: 64, n_head: 2, block_size: 1024, vocab_size: 512, bias: true}"


@pytest.fixture
def calls(monkeypatch):
    """Register a resolver that leaves a trace, as one of an installed plugin would; put a secret into the environment."""
    made = []

    def trace(value=None):
        made.append(value)
        return value

    OmegaConf.register_new_resolver("eval", trace)
    monkeypatch.setenv("SCALECHECK_SECRET", SECRET)
    monkeypatch.setenv("NO_COLOR", "1")
    for name in ("WORLD_SIZE", "RANK", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)
    yield made
    OmegaConf.clear_resolver("eval")


@pytest.fixture
def check(app, monkeypatch, capsys):
    """``check(train.yaml, *arguments)`` writes the primary config and checks it in this process: (exit code, stdout, stderr)."""
    monkeypatch.chdir(app.root)

    def run(config, *arguments, command="check"):
        app.write({"conf/train.yaml": config, "conf/model/small.yaml": MODEL})
        code = cli.main([command, "--config-name", "train", *arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out, said.err

    return run


@pytest.fixture
def job(check):
    def checked(config, *arguments):
        code, out, err = check(config, *arguments, "--format", "json")
        assert code in (0, 1), err
        (found,) = json.loads(out)["jobs"]
        return found

    return checked


PLAIN = """
defaults: [{model: small}, _self_]
data: {batch_size: 32, seq_len: 1024}
trainer: {max_steps: 84, devices: 1}
"""
WITH_POLICY = PLAIN.replace("_self_]", "_self_, {scalecheck: default}]")


def config_with(steps):
    """Return a config whose steps are this text, beside leaves that need the resolver and the environment."""
    links = """
secret: ${oc.env:SCALECHECK_SECRET}
chain: ${secret}
link: ${eval:84}
steps: {n: "${link}"}
seed: 0
"""
    return PLAIN.replace("84", f'"{steps}"') + links


HIDDEN = [
    "${eval:84}", "${link}", "${steps.n}", "${oc.select:link,84}", "${oc.decode:'${eval:84}'}", "${oc.env:SCALECHECK_SECRET}", "${oc.decode:${chain}}", "${oc.env:NOT_SET,84}",
    "${oc.decode:${oc.env:NOT_SET,'84'}}", "${chain}",
]  # fmt: skip


@pytest.mark.parametrize("steps", HIDDEN)
def test_leaf_that_needs_a_resolver_or_the_environment_is_unknown_and_the_rest_known(steps, job, calls):
    found = job(config_with(steps), "--untrusted")
    assert calls == []
    assert found["num_steps"] is None
    assert found["training_tokens"] is None
    assert found["total_params"] == job(PLAIN)["total_params"] is not None
    messages = " ".join(finding["message"] for finding in found["findings"])
    assert "which is not run with --untrusted" in messages
    assert SECRET not in json.dumps(found)


def test_the_same_configs_are_read_when_they_are_trusted(job, calls):
    assert job(config_with("${steps.n}"))["num_steps"] == 84
    assert calls == [84]
    assert job(config_with("${oc.decode:${chain}}"))["num_steps"] == int(SECRET)


def test_links_within_the_config_are_followed(job, calls):
    config = PLAIN.replace("84", '"${other.steps}"') + "other: {steps: 77, unused: '${eval:1}'}\n"
    assert job(config, "--untrusted")["num_steps"] == 77
    assert calls == []


def test_resolver_in_an_override_is_not_run(job, calls):
    found = job(PLAIN, "--untrusted", "trainer.max_steps=${eval:84}", "+unused=${oc.env:SCALECHECK_SECRET}")
    assert (calls, found["num_steps"]) == ([], None)


def test_mapping_cannot_reach_a_resolver(job, calls):
    config = PLAIN + "link: ${eval:84}\n"
    found = job(config, "--untrusted", "+hydra.callbacks.scalecheck.read.num_steps=link * 2")
    assert (calls, found["num_steps"]) == ([], None)
    assert job(config, "+hydra.callbacks.scalecheck.read.num_steps=link * 2")["num_steps"] == 168


def test_resolver_in_the_policy_stops_with_one_sentence(check, calls):
    code, out, err = check(WITH_POLICY, "--untrusted", "hydra.callbacks.scalecheck.mode=${eval:stop}")
    assert (code, out, calls) == (2, "", [])
    assert "hydra.callbacks.scalecheck does not resolve: it needs the resolver eval, which is not run with --untrusted" in err


def test_resolvers_elsewhere_in_hydras_node_are_not_run(job, calls):
    hydra = """
hydra:
  run: {dir: "${eval:out}/${oc.env:SCALECHECK_SECRET}"}
  job: {name: "${eval:name}", env_set: {A: "${oc.env:SCALECHECK_SECRET}"}}
  sweep: {dir: "${eval:sweep}", subdir: "${oc.env:SCALECHECK_SECRET}"}
  callbacks: {other: "${eval:callback}", third: {_target_: "${eval:os.system}"}}
"""
    config = PLAIN + hydra
    found = job(config, "--untrusted")
    assert (calls, found["num_steps"]) == ([], 84)
    assert SECRET not in json.dumps(found)


def test_environment_that_hydra_would_copy_is_not(job, calls):
    config = (
        PLAIN.replace("84", "'${oc.decode:${hydra.job.env_set.SCALECHECK_SECRET}}'") + "hydra: {job: {env_copy: [SCALECHECK_SECRET]}}\n"
    )
    assert job(config)["num_steps"] == int(SECRET)
    assert job(config, "--untrusted")["num_steps"] is None


@pytest.mark.parametrize(
    "config",
    [
        "defaults: [{model: '${eval:small}'}, _self_]",
        "defaults: [{model: '${oc.env:SCALECHECK_SECRET}'}, _self_]",
        "hydra: {searchpath: ['file://${oc.env:SCALECHECK_SECRET}']}",
        "hydra: {searchpath: '${eval:[]}'}",
        "hydra: {mode: '${eval:MULTIRUN}'}",
    ],
)
def test_resolver_while_composing_is_not_run(config, check, calls):
    code, out, err = check(config, "--untrusted")
    assert calls == []
    assert SECRET not in out + err
    assert code in (0, 2)


def test_mapping_merged_into_what_a_resolver_makes_is_refused(check, app, calls):
    """Without what it makes, the rest of the trainer would be silently gone."""
    app.write({"conf/trainer/a.yaml": "# @package _global_\ntrainer: ${eval:b}\n"})
    config = "defaults: [{model: small}, {trainer: a}, _self_]\ntrainer: {max_steps: 84}\ndata: {batch_size: 32, seq_len: 1024}\n"
    code, out, err = check(config, "--untrusted")
    assert (code, out, calls) == (2, "", [])
    assert "keys are merged into trainer, and what that stands for is not known" in err


def test_sweep_is_checked_without_resolvers(check, calls):
    config = config_with("${eval:84}")
    code, out, err = check(config, "--untrusted", "-m", "seed=1,2", "--format", "json")
    assert code == 0, err
    assert [found["num_steps"] for found in json.loads(out)["jobs"]] == [None, None]
    assert calls == []


def test_resolver_in_the_parameters_of_a_sweep_is_not_run(check, calls):
    config = config_with("84") + "hydra: {mode: MULTIRUN, sweeper: {params: {seed: '${eval:3}'}}}\n"
    code, out, err = check(config, "--untrusted")
    assert (code, out, calls) == (2, "", [])
    assert "hydra.sweeper.params cannot be read" in err


# --- code that composing would import


@pytest.fixture
def trap(app, monkeypatch):
    """A package of the repo that leaves a file behind when it is imported, as a repo on sys.path would have it."""
    app.write(
        {"trap/__init__.py": "import pathlib; pathlib.Path(__file__).parent.with_name('sprung').touch()", "trap/model/small.yaml": MODEL}
    )
    monkeypatch.syspath_prepend(str(app.root))
    yield app.root / "sprung"
    for name in [name for name in sys.modules if name.split(".")[0] == "trap"]:
        del sys.modules[name]


@pytest.mark.parametrize("entry", ["pkg://trap", "structured://trap", "pkg://trap/model"])
def test_package_on_the_search_path_is_refused_before_it_is_imported(entry, check, trap, calls):
    config = PLAIN + f"hydra: {{searchpath: ['{entry}']}}\n"
    code, out, err = check(config, "--untrusted")
    assert (code, out) == (2, "")
    assert f"hydra.searchpath has {entry}" in err
    assert check(PLAIN, "--untrusted", f"hydra.searchpath=[{entry}]")[0] == 2
    assert not trap.exists()


def test_package_on_the_search_path_is_imported_when_it_is_trusted(check, trap, calls):
    assert check(PLAIN + "hydra: {searchpath: ['pkg://trap']}\n")[0] == 0
    assert trap.exists()


def test_directory_of_the_repo_on_the_search_path_is_read(job, app, calls):
    app.write({"more/trainer/long.yaml": "{max_steps: 99, devices: 1}"})
    config = """
    defaults: [{model: small}, {trainer: long}, _self_]
    data: {batch_size: 32, seq_len: 1024}
    hydra: {searchpath: ['file://more']}
    """
    assert job(config, "--untrusted")["num_steps"] == 99


@pytest.mark.parametrize("way", ["searchpath", "dots", "link"])
def test_file_outside_of_the_repo_is_not_read(way, check, app, tmp_path_factory, calls):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "trainer").mkdir()
    (outside / "trainer" / "long.yaml").write_text("{max_steps: 4096, devices: 1}")
    (app.root / "conf" / "trainer").mkdir(exist_ok=True)
    (app.root / "conf" / "trainer" / "linked.yaml").symlink_to(outside / "trainer" / "long.yaml")
    chosen = {"searchpath": "trainer: long", "dots": f"trainer: ../../../{outside.name}/trainer/long", "link": "trainer: linked"}[way]
    config = f"""
defaults: [{{model: small}}, {{{chosen}}}, _self_]
data: {{batch_size: 32, seq_len: 1024}}
"""
    config += f"hydra: {{searchpath: ['file://{outside}']}}\n" if way == "searchpath" else ""
    code, out, err = check(config, "--untrusted")
    assert (code, out) == (2, "")
    assert "--untrusted reads nothing elsewhere" in err or "Parent traversal" in err  # Hydra 1.4 refuses dots itself
    assert "4096" not in err
    assert way == "dots" or "4096" in check(config, "--format", "json")[1], "without --untrusted it is composed"


def test_anchors_that_would_fill_the_memory_are_refused(check, calls):
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    code, out, err = check(bomb, "--untrusted")
    assert (code, out) == (2, "")
    assert "anchors make it stand for more than" in err


def test_hydra_plugin_that_lies_in_the_repo_is_not_imported(app):
    """``python -m`` puts the working directory on sys.path, and Hydra imports every module of hydra_plugins that it finds there."""
    app.write({"hydra_plugins/trap.py": "import pathlib; pathlib.Path(__file__).parent.with_name('sprung').touch()"})
    done = app.cli("check", "--config-name", "train", "--untrusted")
    assert done.returncode == 0, done.stderr
    assert not (app.root / "sprung").exists()
    assert app.cli("check", "--config-name", "train").returncode == 0
    assert (app.root / "sprung").exists(), "without --untrusted it is a plugin like any other"


def test_target_is_never_imported_or_called(job, trap, calls):
    config = PLAIN + "m: {_target_: trap.run}\nhydra: {launcher: {_target_: trap.Launcher}, callbacks: {c: {_target_: trap.C}}}\n"
    assert job(config, "--untrusted")["num_steps"] == 84
    assert not trap.exists()


@pytest.mark.parametrize("command", ["check", "count"])
def test_building_the_model_is_refused(command, check, calls):
    code, out, err = check(PLAIN, "--untrusted", "--instantiate", command=command)
    assert (code, out) == (2, "")
    assert "leave one of them out" in err


def test_policy_that_wants_the_model_built_gets_the_reason(job, trap, calls):
    config = WITH_POLICY + "m: {_target_: trap.run}\n"
    found = job(config, "--untrusted", "hydra.callbacks.scalecheck.count=instantiate", "hydra.callbacks.scalecheck.instantiate=m")
    assert not trap.exists()
    assert any("--instantiate" in finding["message"] for finding in found["findings"])


def test_count_runs_no_resolver_either(check, calls):
    code, _, err = check(config_with("${eval:84}"), "--untrusted", "model.n_layer=${eval:3}", command="count")
    assert (code, calls) == (2, [])
    assert "which is not run with --untrusted" in err
    code, _, err = check(config_with("${eval:84}"), "--untrusted", command="count")
    assert (code, calls, err) == (0, [], "")


# --- without --untrusted, at a launch


APP = """
import hydra
from omegaconf import OmegaConf
from pathlib import Path

def note(name, value=None):
    with open(Path(__file__).parent / "calls.txt", "a") as file:
        file.write(f"{name}\\n")
    return value

OmegaConf.register_new_resolver("note", note)

@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg):
    pass

main()
"""
NOTED = """
defaults: [{model: small}, _self_SCALECHECK]
data: {batch_size: "${note:batch_size,32}", seq_len: "${note:seq_len,1024}", cache: "${note:cache}", workers: "${note:workers,4}", mapped: "${note:mapped,8}"}
trainer: {max_steps: "${note:max_steps,84}", devices: "${note:devices,1}", printer: "${note:printer}", planner: {title: "${note:planner}"}}
optim: {lr: "${note:lr,1}", betas: ["${note:beta,1}"], groups: "${note:groups}"}
callbacks: ["${note:callback}"]
gpu: {memory: "${note:gpu}"}
model: {vocab_size: "${note:vocab_size,512}", palette: "${note:palette}"}
"""
NEEDED = {"batch_size", "seq_len", "max_steps", "devices", "vocab_size"}


def noted(app, config, *arguments):
    """Run the app and return what was resolved."""
    traces = app.root / "calls.txt"
    traces.unlink(missing_ok=True)
    app.write({"train.py": APP, "conf/train.yaml": config, "conf/model/small.yaml": MODEL})
    done = app.run(*arguments)
    assert done.returncode == 0, done.stderr
    return traces.read_text().splitlines() if traces.exists() else [], done.stderr


def test_only_leaves_that_a_recognised_key_needs_are_resolved_at_a_launch(app):
    found, said = noted(app, NOTED.replace("SCALECHECK", ", {scalecheck: default}"))
    assert "N 165" in said or "N 198" in said, said
    assert set(found) == NEEDED
    assert noted(app, NOTED.replace("SCALECHECK", ""))[0] == [], "none of them is Hydra's own doing"


def test_mapped_key_is_resolved_in_place_of_the_recognised_one(app):
    config = NOTED.replace("SCALECHECK", ", {scalecheck: default}")
    found, said = noted(app, config, "+hydra.callbacks.scalecheck.read.sequences_per_step=data.mapped * 4")
    assert "scalecheck: pass" in said, said
    assert {"mapped", "seq_len", "max_steps", "vocab_size"} <= set(found) <= NEEDED | {"mapped"}


def test_declared_numbers_need_no_leaf_of_theirs(app):
    config = NOTED.replace("SCALECHECK", ", {scalecheck: default}")
    found, _ = noted(
        app, config, "+hydra.callbacks.scalecheck.read.training_tokens=3M", "+hydra.callbacks.scalecheck.read.total_params=165k"
    )
    assert set(found) <= NEEDED
