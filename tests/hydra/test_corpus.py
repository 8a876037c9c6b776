"""The real configs once more, each through a real ``@hydra.main`` app with the plugin on, on a machine without GPU and nvidia-smi."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[1] / "corpus"
_SPEC = importlib.util.spec_from_file_location("scalecheck_corpus", CORPUS / "corpus.py")
corpus = importlib.util.module_from_spec(_SPEC)
sys.modules.setdefault("scalecheck_corpus", corpus)
_SPEC.loader.exec_module(corpus)

CASES = [case for case in corpus.cases() if case.is_hydra]
pytestmark = [pytest.mark.extended, pytest.mark.filterwarnings("ignore")]  # old repos compose with warnings of Hydra's
APP = """
import importlib.util, json, os, sys
import hydra
from omegaconf import OmegaConf

case, corpus_file = sys.argv.pop(1), sys.argv.pop(1)
spec = importlib.util.spec_from_file_location("scalecheck_corpus", corpus_file)
corpus = importlib.util.module_from_spec(spec)
sys.modules["scalecheck_corpus"] = corpus
spec.loader.exec_module(corpus)
about = json.load(open(case + "/case.json"))
for name in about["needs"].get("resolvers", []):
    OmegaConf.register_new_resolver(name, corpus.RESOLVERS[name])

@hydra.main(version_base=about["version_base"], config_path=case + "/" + about["config_dir"], config_name=about["config_name"])
def main(cfg):
    print("TRAINED")

main()
"""


def launched(app, case):
    """Launch a case's app without anything on the PATH; returns the process and the report that lies in its output directory."""
    app.write({"train.py": APP})
    needed = case.about["needs"].get("env", {}) | case.environ | {"PATH": str(app.root / "nothing")}
    arguments = (
        str(case.path),
        str(CORPUS / "corpus.py"),
        *case.about["overrides"],
        "+scalecheck=default",
        f"hydra.run.dir={app.root}/out",
    )
    process = app.run(*arguments, env=needed)
    report = app.root / "out" / "scalecheck.json"
    return process, json.loads(report.read_text()) if report.exists() else None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_launch_goes_on_and_tells_what_composing_tells(app, case):
    process, report = launched(app, case)
    if "is not supported in Hydra 1.4" in process.stderr:
        pytest.skip(f"the repo's version_base, {case.about['version_base']}, is one that hydra-core 1.4 refuses")
    assert process.returncode == 0, process.stderr
    assert "TRAINED" in process.stdout
    assert "internal error" not in process.stderr
    assert "scalecheck: " in process.stderr
    (told,) = report["jobs"]
    job = corpus.checked(case, mapped=False)
    plan = job.run.reading.plan
    assert told["total_params"] == job.run.account.total_params
    assert told["status"] == {"params": job.run.account.params_status, "tokens": plan.tokens_status}
    assert told["training_tokens"] == (None if plan.tokens_status == "per_device" else job.run.account.training_tokens)
    assert (told["verdict"], told["intent"]) == (job.verdict, plan.intent)
    if case.must_be_silent:
        assert told["verdict"] == "silent"
        assert len([line for line in process.stderr.splitlines() if line.startswith("scalecheck")]) == 1


def test_a_command_inside_a_resolver_is_not_run_where_its_value_is_not_needed(app):
    """flash-attention asks nvidia-smi for the batch; the global batch beside it tells D without."""
    (case,) = [case for case in CASES if case.name.startswith("A01")]
    process, _ = launched(app, case)
    assert "nvidia-smi" not in process.stderr
