"""``--untrusted`` on hostile repos: one clear sentence or a right result, soon, in bounded memory; no code of theirs runs."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from textwrap import dedent

import pytest

pytestmark = pytest.mark.extended  # every case is a process of its own

SECRET = "hunter2-TheSecretOfThisMachine"
SECONDS = 40  # on a machine that is busy with other tests; alone, none takes more than 5
MEMORY = 2_000_000_000
MODEL = "{n_layer: 2, n_embd: 64, n_head: 2, block_size: 1024, vocab_size: 512, bias: true}"
PLAIN = """
defaults: [{model: small}, _self_]
data: {batch_size: 32, seq_len: 1024}
trainer: {max_steps: 84, devices: 1}
"""
WITH_POLICY = PLAIN.replace("_self_]", "_self_, {scalecheck: default}]")
SPRING = "import os, pathlib\npathlib.Path(os.environ['SPRUNG']).touch()\n"


class Repo:
    """A hostile repo, beside which a file appears if its code is run, and which is checked within bounds."""

    def __init__(self, root):
        self.root, self.sprung, self.outside = root / "repo", root / "sprung", root / "outside"
        for folder in (self.root, self.outside):
            folder.mkdir()
        self.write({"conf/model/small.yaml": MODEL})

    def write(self, files):
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else dedent(content).encode("utf-8", "surrogatepass"))

    def check(self, config, *arguments, command="check", trusted=False):
        """Check the primary config; returns (exit code, stdout, stderr) after what always holds was seen to hold."""
        if config is not None:
            self.write({"conf/train.yaml": config})
        named = [] if "--config" in arguments else ["--config-name", "train"]
        typed = [sys.executable, "-m", "scalecheck.cli", command, *named, *([] if trusted else ["--untrusted"]), *arguments]
        env = os.environ | {"SPRUNG": str(self.sprung), "TOKEN": SECRET, "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
        for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "SLURM_NTASKS"):
            env.pop(name, None)
        start = time.monotonic()
        done = subprocess.run(
            typed, cwd=self.root, env=env, capture_output=True, text=True, errors="replace", timeout=60, check=False, preexec_fn=_bounded
        )
        assert time.monotonic() - start < SECONDS
        said = done.stdout + done.stderr
        assert "Traceback" not in said
        assert "internal error" not in said
        assert "MemoryError" not in said
        if not trusted:
            assert not self.sprung.exists(), "code of the repo has run"
            assert SECRET not in said
        return done.returncode, done.stdout, done.stderr

    def job(self, config, *arguments):
        """Check it, and return its one job."""
        code, out, err = self.check(config, *arguments, "--format", "json")
        assert code in (0, 1), err
        (found,) = json.loads(out)["jobs"]
        return found

    def refused(self, config, *arguments, command="check"):
        """Check that it is refused with one sentence, and return that."""
        code, out, err = self.check(config, *arguments, command=command)
        assert (code, out) == (2, ""), out
        assert err.startswith("scalecheck: error: ")
        assert len(err.strip().splitlines()) == 1, err
        return err


def _bounded():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.fixture
def repo(tmp_path):
    return Repo(tmp_path)


# --- code


def test_the_trap_springs_where_it_is_trusted(repo):
    """Else the tests below would prove nothing."""
    repo.write({"conf/__init__.py": SPRING, "pack/__init__.py": SPRING})
    repo.check(PLAIN + "hydra: {searchpath: ['pkg://pack']}\n", trusted=True)
    assert repo.sprung.exists()


@pytest.mark.parametrize("name", ["sitecustomize", "conf/__init__", "hydra_plugins/trap", "hydra_plugins/a/__init__", "train",
                                  "numpy", "joblib", "tqdm", "difflib"])  # fmt: skip
def test_module_of_the_repo_is_not_imported(name, repo):
    repo.write({f"{name}.py": SPRING + "raise ImportError('sprung')"})
    config = WITH_POLICY + "hydra: {job_logging: {version: 1}}\n"
    assert repo.job(config)["num_steps"] == 84
    code, _, err = repo.check(config, "model=smal")
    assert code == 2, "a name to look for is looked for with modules that are imported late"
    assert "smal" in err


@pytest.mark.parametrize("entry", ["pkg://pack", "pkg://pack.conf", "pkg://conf", "structured://pack", "py://pack"])
def test_package_on_the_search_path(entry, repo):
    repo.write({"pack/__init__.py": SPRING, "pack/conf/__init__.py": SPRING, "conf/__init__.py": SPRING})
    repo.refused(PLAIN + f"hydra: {{searchpath: ['{entry}']}}\n")
    repo.refused(PLAIN, f"hydra.searchpath=[{entry}]")


def test_targets_and_resolvers(repo):
    repo.write({"pack/__init__.py": SPRING + "def run(*_, **__): pass\n"})
    config = WITH_POLICY + """
    m: {_target_: pack.run}
    token: ${oc.env:TOKEN}
    n: ${pack:1}
    typed: ${oc.coerce:pack.Type,1}
    hydra:
      launcher: {_target_: pack.run}
      sweeper: {_target_: pack.run}
      callbacks: {c: {_target_: pack.run}}
      job: {name: "${oc.env:TOKEN}", env_copy: [TOKEN], env_set: {A: "${oc.env:TOKEN}"}}
    """.replace("\n    ", "\n")  # fmt: skip
    found = repo.job(config, "hydra.callbacks.scalecheck.count=instantiate", "hydra.callbacks.scalecheck.instantiate=m")
    assert found["num_steps"] == 84


@pytest.mark.parametrize("steps", ["${oc.env:TOKEN}", "${oc.decode:${oc.env:TOKEN}}", "${token}", "${hydra:job.env_set.TOKEN}", "${oc.env:${oc.env:TOKEN}}",
                                   "${hydra.job.env_set.TOKEN}", "${${oc.env:TOKEN}:1}", "${oc.create:${oc.env:TOKEN}}", "x${oc.env:TOKEN}"])  # fmt: skip
def test_environment_is_not_read(steps, repo):
    config = PLAIN.replace("84", f'"{steps}"') + "token: ${oc.env:TOKEN}\nhydra: {job: {env_copy: [TOKEN]}}\n"
    assert repo.job(config)["num_steps"] is None


def test_unsafe_tags_of_yaml(repo):
    config = f"{PLAIN}bad: !!python/object/apply:os.system ['touch {repo.sprung}']\n"
    assert "python/object" in repo.refused(config)
    repo.write({"conf/base.yaml": config})
    assert "python/object" in repo.refused(None, "--config", "conf/base.yaml")
    repo.write({"conf/policy.yaml": config})
    assert "python/object" in repo.refused(PLAIN, "--policy", "conf/policy.yaml")
    repo.write({"law.yaml": config})
    repo.refused(WITH_POLICY, "hydra.callbacks.scalecheck.law=law.yaml")


# --- files elsewhere


@pytest.fixture
def elsewhere(repo):
    (repo.outside / "hosts.yaml").write_text(f"oauth_token: {SECRET}\n")
    (repo.outside / "dict.txt").write_text(f"{SECRET}\n")
    (repo.outside / "config.json").write_text(json.dumps({"model_type": SECRET}))
    return repo


@pytest.mark.parametrize("law", ["../../etc/passwd", "/etc/passwd", "../outside/hosts.yaml", "linked.yaml", "endless.yaml"])
def test_law_elsewhere(law, elsewhere):
    (elsewhere.root / "linked.yaml").symlink_to(elsewhere.outside / "hosts.yaml")
    (elsewhere.root / "endless.yaml").symlink_to("/dev/zero")
    said = elsewhere.refused(WITH_POLICY, f"hydra.callbacks.scalecheck.law={law}")
    assert "root:" not in said
    assert "oauth_token" not in said


@pytest.mark.parametrize("entry", ["file:///etc", "file://../outside", "file:///", "file:///proc/self", "file://linked"])
def test_search_path_elsewhere(entry, elsewhere):
    (elsewhere.root / "linked").symlink_to(elsewhere.outside)
    config = PLAIN.replace("_self_", "hosts, _self_")
    code, out, err = elsewhere.check(config + f"hydra: {{searchpath: ['{entry}']}}\n")
    assert (code, out) == (2, "")
    assert "oauth_token" not in err


@pytest.mark.parametrize("target", ["../outside/hosts.yaml", "/etc/passwd", "/dev/zero", "/proc/self/environ", "train.yaml", "fifo.yaml"])
def test_config_that_is_a_link(target, elsewhere):
    (elsewhere.root / "conf" / "trainer").mkdir(exist_ok=True)
    if target == "fifo.yaml":
        os.mkfifo(elsewhere.root / "conf" / "trainer" / "fifo.yaml")
    place = target if target.startswith("/") or target.endswith(("train.yaml", "fifo.yaml")) else f"../../{target}"
    (elsewhere.root / "conf" / "trainer" / "linked.yaml").symlink_to(place)
    code, out, err = elsewhere.check(
        PLAIN.replace("{model: small}", "{model: small}, {trainer: linked}").replace("trainer: {max", "other: {max")
    )
    assert (code, out) == (2, "")
    assert "oauth_token" not in err


def test_config_dir_that_is_a_link_out(elsewhere):
    (elsewhere.root / "evil").symlink_to(elsewhere.outside)
    said = elsewhere.check(None, "--config-dir", "evil", "--config-name", "hosts")
    assert said[:2] == (2, "")
    assert "outside of this repo" in said[2]


def test_config_dir_that_the_user_typed_elsewhere_is_read(elsewhere):
    (elsewhere.outside / "plain.yaml").write_text(MODEL)
    assert elsewhere.check(None, "--config-dir", "../outside", "--config-name", "plain")[0] == 0


@pytest.mark.parametrize("place", ["../outside", "linked", "/proc/self", "/dev"])
@pytest.mark.parametrize("keys", ["tokenizer: {name_or_path: PLACE}", "tokenizer: PLACE/dict.txt", "model: {_target_: transformers.AutoModel.from_pretrained, pretrained_model_name_or_path: PLACE}",
                                  "tokenizer_name_or_path: PLACE/hosts.yaml"])  # fmt: skip
def test_tokenizer_or_model_elsewhere(keys, place, elsewhere):
    (elsewhere.root / "linked").symlink_to(elsewhere.outside)
    config = "defaults: [_self_]\n" + keys.replace("PLACE", place) + "\ndata: {batch_size: 32, seq_len: 1024}\ntrainer: {max_steps: 84}\n"
    code, _, err = elsewhere.check(config)
    assert code in (0, 1, 2), err


# --- sizes


def bomb(levels=9):
    first = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    return first + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, levels))


def test_anchors_that_would_fill_the_memory(repo):
    assert "anchors" in repo.refused(bomb())
    repo.write({"conf/base.yaml": bomb(), "conf/policy.yaml": bomb()})
    assert "anchors" in repo.refused(None, "--config", "conf/base.yaml")
    assert "anchors" in repo.refused(PLAIN, "--policy", "conf/policy.yaml")


def test_anchors_of_a_law(repo):
    repo.write({"law.yaml": bomb()})
    repo.refused(WITH_POLICY, "hydra.callbacks.scalecheck.law=law.yaml")


@pytest.mark.parametrize("text", ["a: " + "[" * 100_000, "a: " + "[" * 100_000 + "]" * 100_000, "a: " + "{a: " * 100_000, "- " * 100_000, "a: ${" * 50_000,
                                  "a: '" + "${a" * 30_000 + "}" * 30_000 + "'"])  # fmt: skip
def test_nesting(text, repo):
    code, _, err = repo.check(f"{PLAIN}{text}\n")
    assert code in (0, 2)
    assert code == 0 or err.startswith("scalecheck: error: ")
    repo.write({"conf/base.yaml": text})
    assert repo.check(None, "--config", "conf/base.yaml")[0] in (0, 2)


def test_nested_override(repo):
    code, _, err = repo.check(PLAIN, "+x=" + "[" * 20_000 + "]" * 20_000)
    assert code in (0, 2), err


def test_many_keys(repo):
    keys = "".join(f"k{number}: {{a: 1, b: x}}\n" for number in range(20_000))
    code, _, err = repo.check(PLAIN + keys, "--format", "json")
    assert code in (0, 2), err


def test_everything_is_missing(repo):
    found = repo.job(PLAIN.replace("84", "'???'").replace("1024", "'???'").replace("32", "'???'"))
    assert found["num_steps"] is None
    repo.write({"conf/model/small.yaml": "{n_layer: '???', n_embd: '???', n_head: '???', vocab_size: '???'}"})
    assert repo.job("defaults: [{model: small}, _self_]\ntrainer: ???\ndata: ???\n")["total_params"] is None
    assert repo.check("??? : ???\n")[0] in (0, 2)


@pytest.mark.parametrize("content", [b"a: \x00\n", b"\x00", b"\xff\xfea: 1", b"a: \xff\xfe\xfd\n", b"a: \xed\xa0\x80\n", b"\xef\xbb\xbfa: 1\n", b"a: \x1b[31m\n", b"%YAML 9.9\n---\na: 1\n",
                                     "a: '\u202e\u2066'\n".encode()])  # fmt: skip
def test_bytes_that_are_no_text(content, repo):
    repo.write({"conf/train.yaml": content, "conf/base.yaml": content})
    for arguments in ((), ("--config", "conf/base.yaml")):
        code, _, err = repo.check(None, *arguments)
        assert code in (0, 2), err
        assert "\x1b" not in err


@pytest.mark.parametrize(
    "value", ["1" * 5000, "1" * 100_000, "-1" + "0" * 400, "1e400", ".inf", ".nan", "0x" + "f" * 5000, "1:" * 2000 + "1"]
)
def test_numbers_of_any_size(value, repo):
    repo.write({"conf/model/small.yaml": MODEL.replace("512", value)})
    code, out, err = repo.check(PLAIN.replace("84", value), "--format", "json")
    assert code in (0, 1, 2), err
    if code != 2:
        json.loads(out)


@pytest.mark.parametrize(
    "expression",
    [
        "9**9**9",
        "9**9**9**9",
        "(9**60)**60",
        "2**-64**64",
        "ceil(" * 5000,
        "1" * 999,
        "0.1**64**0.5",
        "min(*a)",
        "__import__('os')",
        "a.__class__",
        "1e999",
        "max_steps" * 900,
    ],
)
def test_expression_bombs(expression, repo):
    found = repo.check(WITH_POLICY, f"+hydra.callbacks.scalecheck.read.num_steps='{expression}'" if "'" not in expression
                       else f'+hydra.callbacks.scalecheck.read.num_steps="{expression}"', "--format", "json")  # fmt: skip
    assert found[0] in (0, 1, 2), found[2]


@pytest.mark.parametrize("sweep", ["seed=range(0,1000000000)", "seed=range(0,1e18,1)", "seed=range(0,10,1e-9)"])
def test_endless_sweep(sweep, repo):
    repo.refused(PLAIN + "seed: 0\n", "-m", sweep)


def test_sweep_of_many_choices(repo):
    config = PLAIN + "".join(f"s{number}: 0\n" for number in range(12))
    repo.refused(config, "-m", *[f"s{number}=1,2,3,4,5,6,7,8,9,10" for number in range(9)])
    repo.refused(config + "hydra: {mode: MULTIRUN, sweeper: {params: {s1: 'range(0,1000000000)'}}}\n")


def test_globs_and_groups(repo):
    repo.write({f"conf/model/m{number}.yaml": MODEL for number in range(30)})
    code, out, err = repo.check(PLAIN, "-m", "model=glob(m*)", "--format", "json")
    assert code in (0, 1), err
    assert len(json.loads(out)["jobs"]) == 30


@pytest.mark.parametrize("config", ["defaults: [train]\n", "defaults: [{model: ../../../../etc/passwd}]\n", "defaults: [/etc/passwd]\n", 'defaults: ["${oc.env:TOKEN}"]\n', "defaults: [{model: '${oc.env:TOKEN}'}]\n",
                                    "defaults: 5\n", "defaults: [[]]\n", "defaults: [{a: {b: {c: d}}}]\n", "hydra: 5\n", "hydra: {callbacks: 5}\n", "hydra: {searchpath: 5}\n",
                                    "a: ${a}\n", "a: ${b}\nb: ${a}\n", "trainer: {max_steps: '${trainer.max_steps}'}\n"])  # fmt: skip
def test_odd_configs(config, repo):
    code, _, err = repo.check(config)
    assert code in (0, 2), err


@pytest.mark.parametrize("command", ["explain", "count"])
def test_other_commands(command, repo):
    repo.write({"pack/__init__.py": SPRING})
    repo.check(PLAIN.replace("84", '"${oc.env:TOKEN}"') + "m: {_target_: pack.run}\n", command=command)
    repo.refused(PLAIN + "hydra: {searchpath: ['pkg://pack']}\n", command=command)
