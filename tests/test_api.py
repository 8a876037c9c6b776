"""``scalecheck.check`` in the user's own process: what it takes, what it raises, and that it leaves everything as it was."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from scalecheck.api import check, render
from scalecheck.errors import ConfigError, PolicyError, ScalecheckError
from scalecheck.policy import load_policy

pytestmark = pytest.mark.filterwarnings("ignore:The version_base parameter is deprecated")  # from hydra-core 1.4 on
PLAIN = {
    "model": {"n_layer": 2, "n_embd": 64, "n_head": 2, "block_size": 1024, "vocab_size": 512, "bias": True},
    "trainer": {"max_steps": 84, "devices": 1},
    "data": {"batch_size": 32, "seq_len": 1024},
}
SHORT = PLAIN | {"trainer": {"max_steps": 5, "devices": 1}}
NUM_PARAMS = 512 * 64 + 1024 * 64 + 2 * (12 * 64 * 64 + 13 * 64) + 2 * 64


@contextmanager
def hydra_at(root: Path):
    """Initialise Hydra as a notebook does."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(root / "conf"), version_base="1.3"):
        yield


def composed(*overrides: str, keeps: bool = True):
    return compose("train", list(overrides), return_hydra_config=keeps)


def found(report, rule="undertrained"):
    return next(finding for finding in report.jobs[0].findings if finding.rule == rule)


def test_config_with_hydras_node_is_judged_by_its_own_policy_and_findings_have_lines(app, monkeypatch):
    monkeypatch.chdir(app.root)
    with hydra_at(app.root):
        report = check(composed("scalecheck=strict", "+experiment=short"))
    assert report.verdict == "stop"
    assert report.mode == "stop"
    (job,) = report.jobs
    assert job.name == "train"
    assert job.overrides == ("scalecheck=strict", "+experiment=short")
    assert job.run.account.total_params == NUM_PARAMS
    assert (found(report).origin.file, found(report).origin.line) == ("conf/experiment/short.yaml", 2)
    assert job.run.reading.origins["hidden_size"].file == "conf/model/small.yaml"


def test_passing_config_passes_and_says_so_as_text_and_json(app):
    with hydra_at(app.root):
        report = check(composed())
    assert report.verdict == "pass"
    assert render(report).startswith("scalecheck: pass: N 198.4K")
    assert json.loads(render(report, "json"))["jobs"][0]["total_params"] == NUM_PARAMS
    with pytest.raises(ScalecheckError, match="jsn"):
        render(report, "jsn")


def test_config_without_hydras_node_gets_the_default_policy_and_keys_alone(app):
    with hydra_at(app.root):
        report = check(composed("scalecheck=strict", "trainer.max_steps=5", keeps=False))
    assert report.verdict == "warn"
    assert report.jobs[0].overrides == ()
    assert found(report).origin == type(found(report).origin)(key="trainer.max_steps")


@pytest.mark.parametrize("elsewhere", [True, False], ids=["another Hydra is running", "none is running"])
def test_places_are_told_only_by_the_hydra_that_composed(app, tmp_path, elsewhere):
    with hydra_at(app.root):
        config = composed("trainer.max_steps=5")
    other = tmp_path / "other"
    (other / "conf").mkdir(parents=True)
    (other / "conf" / "train.yaml").write_text("model: {n_embd: 1}\ntrainer: {max_steps: 5}\n")
    if elsewhere:
        with hydra_at(other):
            report = check(config)
    else:
        report = check(config)
    origins = [found(report).origin, *report.jobs[0].run.reading.origins.values()]
    assert [(origin.file, origin.line, origin.override) for origin in origins] == [(None, None, None)] * len(origins)
    assert found(report).origin.key == "trainer.max_steps"


@dataclasses.dataclass
class Trainer:
    max_steps: int = 84
    devices: int = 1


@dataclasses.dataclass
class Typed:
    model: dict[str, int | bool]
    trainer: Trainer
    data: dict[str, int]


@dataclasses.dataclass
class OnlyTyped:
    trainer: Trainer = dataclasses.field(default_factory=Trainer)


CONFIGS = {
    "dict": PLAIN,
    "other mapping": MappingProxyType(PLAIN | {"model": MappingProxyType(PLAIN["model"])}),
    "DictConfig": OmegaConf.create(PLAIN),
    "dataclass": Typed(model=PLAIN["model"], trainer=Trainer(), data=PLAIN["data"]),
    "with objects that OmegaConf has no type for": PLAIN | {"dtype": object(), "init": len, "names": [object()]},
    "interpolated": PLAIN | {"trainer": {"max_steps": "${steps}", "devices": 1}, "steps": 84},
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_kind_of_config_is_read(config):
    account = check(config).jobs[0].run.account
    assert (account.total_params, account.training_tokens) == (NUM_PARAMS, 84 * 32 * 1024)


def test_dataclass_that_is_a_type_is_read_too():
    assert check(OnlyTyped).jobs[0].run.reading.plan.num_steps == 84


@pytest.mark.parametrize(
    "config", [None, 3, "conf/train.yaml", ["a"], OmegaConf.create([1]), object()], ids=lambda value: type(value).__name__
)
def test_what_is_no_config_is_a_type_error(config):
    with pytest.raises(TypeError, match="hydra.compose"):
        check(config)


def endless():
    made = {}
    made["self"] = made
    return made


@pytest.mark.parametrize("config", [OmegaConf.create({"a": "???"}).__class__(None), endless(), {(1, 2): 3}], ids=["null", "endless", "key"])
def test_config_that_cannot_be_read_is_a_config_error_in_one_sentence(config):
    with pytest.raises(ConfigError) as failure:
        check(config)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("kind", ["name", "path", "text path", "mapping", "DictConfig", "Policy", "nested mapping in a file"])
def test_policy_in_every_form(tmp_path, kind):
    raw = {"mode": "stop", "rules": {"undertrained": {"severity": "error"}}}
    path, nested = tmp_path / "ours.yaml", tmp_path / "nested.yaml"
    path.write_text(OmegaConf.to_yaml(OmegaConf.create(raw)))
    nested.write_text(OmegaConf.to_yaml(OmegaConf.create({"hydra": {"callbacks": {"scalecheck": raw}}})))
    forms = {
        "name": "strict", "path": path, "text path": str(path), "mapping": raw, "DictConfig": OmegaConf.create(raw),
        "Policy": load_policy(raw), "nested mapping in a file": nested,
    }  # fmt: skip
    assert check(SHORT).verdict == "warn"
    assert check(SHORT, forms[kind]).verdict == "stop"


def test_named_policy_stands_instead_of_the_configs_own(app):
    with hydra_at(app.root):
        assert check(composed("scalecheck=strict", "trainer.max_steps=5"), "default").verdict == "warn"


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [("strct", "no policy 'strct'. Did you mean 'strict'?"), ("gone.yaml", "gone.yaml: cannot read gone.yaml: No such file"),
     ({"law": "nobody2020"}, "law"), (OmegaConf.create({"law": "${gone}"}), "does not resolve")],
    ids=["name", "path", "mapping", "DictConfig"],
)  # fmt: skip
def test_broken_policy_is_a_policy_error(policy, sentence):
    with pytest.raises(PolicyError) as failure:
        check(PLAIN, policy)
    assert sentence in str(failure.value)
    assert "--policy" not in str(failure.value)


def test_policy_of_another_type_is_a_type_error():
    with pytest.raises(TypeError, match="int"):
        check(PLAIN, 3)


def test_broken_own_policy_is_a_policy_error_and_no_exit(app):
    with hydra_at(app.root), pytest.raises(PolicyError, match="nobody2020"):
        check(composed("hydra.callbacks.scalecheck.law=nobody2020"))


def test_own_node_that_no_launch_would_use_is_a_policy_error():
    with pytest.raises(PolicyError, match="_target_"):
        check(PLAIN | {"hydra": {"callbacks": {"scalecheck": {"mode": "stop"}}}})


def test_typed_policy_of_a_repo_without_our_line_counts(app):
    app.write({"conf/train.yaml": "defaults: [{model: small}, {trainer: default}, _self_]\ndata: {batch_size: 32, seq_len: 1024}\n"})
    with hydra_at(app.root):
        typed = composed(
            "+hydra.callbacks.scalecheck.rules.undertrained.severity=error", "+hydra.callbacks.scalecheck.mode=stop", "trainer.max_steps=5"
        )
        assert check(typed).verdict == "stop"


def test_law_of_the_own_policy_is_looked_for_where_the_config_was_composed(app, monkeypatch, tmp_path):
    with hydra_at(app.root):
        config = composed("hydra.callbacks.scalecheck.law=laws/mine.yaml")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    config.hydra.runtime.cwd = str(app.root)
    with pytest.raises(PolicyError) as failure:
        check(config)
    assert f"looked in {app.root}" in str(failure.value)


def test_call_asks_for_a_check_though_launches_are_not_checked(app):
    with hydra_at(app.root):
        report = check(composed("hydra.callbacks.scalecheck.mode=off", "trainer.max_steps=5"))
    assert report.verdict == "warn"


def test_config_runs_no_code_of_its_own_unless_the_call_says_so(app, monkeypatch):
    app.write({"conf/model/built.yaml": "{_target_: own_net.Net}", "own_net.py": "open('imported.txt', 'w').close()\nNet = None\n"})
    monkeypatch.chdir(app.root)
    path = list(sys.path)
    with hydra_at(app.root):
        config = composed("hydra.callbacks.scalecheck.count=instantiate", "model=built")
        report = check(config)
        assert not (app.root / "imported.txt").exists()
        assert [unknown.field for unknown in report.jobs[0].run.reading.unknowns if "own code" in unknown.reason] == ["module"]
        built = check(config, instantiate=True)
    assert any("was not built" in unknown.reason for unknown in built.jobs[0].run.reading.unknowns)
    assert sys.path == path


def test_key_that_needs_a_running_job_is_unknown_and_nothing_fails(app):
    app.write({"conf/trainer/default.yaml": "{max_steps: '${hydra:runtime.choices.model}', devices: 1}"})
    with hydra_at(app.root):
        report = check(composed())
    assert report.jobs[0].run.account.training_tokens is None
    assert "HydraConfig was not set" in found(report, "unknown_scale").message


def test_nothing_is_printed_changed_resolved_or_left(app, capfd):
    calls = []
    OmegaConf.register_new_resolver("counted_call", lambda: calls.append(1) or 3, replace=True)
    try:
        with hydra_at(app.root):
            config = composed("+other=${counted_call:}", "trainer.max_steps=5", "scalecheck=strict")
            running, before = GlobalHydra.instance().hydra, OmegaConf.to_container(config, resolve=False)
            flags = (OmegaConf.is_readonly(config.hydra), OmegaConf.is_struct(config))
            check(config, "strict")
            assert GlobalHydra.instance().hydra is running
        assert OmegaConf.to_container(config, resolve=False) == before
        assert (OmegaConf.is_readonly(config.hydra), OmegaConf.is_struct(config)) == flags
    finally:
        OmegaConf.clear_resolver("counted_call")
    assert calls == []
    assert HydraConfig.instance().cfg is None
    assert capfd.readouterr() == ("", "")
    assert app.left_on_disk == set()


INSIDE = """
import hydra
from hydra.core.hydra_config import HydraConfig
from scalecheck.api import check, render

@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg):
    before = HydraConfig.get()
    print("DEFAULT", check(cfg).verdict)
    report = check(cfg, HydraConfig.get().callbacks.scalecheck)
    print("OWN", report.verdict, report.jobs[0].run.account.training_tokens)
    assert HydraConfig.get() is before

if __name__ == "__main__":
    main()
"""


def test_works_inside_a_running_job(app):
    app.write({"inside.py": INSIDE})
    done = app.spawn(sys.executable, "inside.py", "trainer.max_steps=5", "hydra.callbacks.scalecheck.mode=off", "scalecheck=default")
    assert done.returncode == 0, done.stderr
    assert "DEFAULT warn" in done.stdout
    assert f"OWN warn {5 * 32 * 1024}" in done.stdout


def test_importing_the_package_imports_neither_hydra_nor_omegaconf():
    code = "import sys, scalecheck; print(sorted({'hydra', 'omegaconf', 'pydantic', 'yaml', 'scalecheck.api'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
