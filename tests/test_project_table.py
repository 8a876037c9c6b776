"""The table of pyproject.toml or scalecheck.toml: what it says, where its paths are told from, and what is refused."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scalecheck.errors import ScalecheckError
from scalecheck.project_table import CheckEntry, find_table, read_table

WHOLE = """
[tool.scalecheck]
config_dir = "configs"
config_name = "train"
version_base = "1.2"
policy = "strict"
fail_level = "warning"
jobs = 4
output = ["terminal", "sarif:scalecheck.sarif"]
baseline = "known.json"
fail_on_increase = { training_flops = "1.5x", gpu_hours = 2 }
threshold = "1%"

[[tool.scalecheck.check]]
name = "experiments"
overrides = ["experiment=glob(*)"]

[[tool.scalecheck.check]]
name = "sizes"
policy = "ci/ours.yaml"
config_dir = "more"
overrides = ["seed=1"]
matrix = { model = ["small", "large"], trainer = "glob(*)", lr = [1e-3, 2], bias = [true] }
"""


def write(directory: Path, text: str, name: str = "pyproject.toml") -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(dedent(text))
    return directory


def refusal(directory: Path, text: str, name: str = "pyproject.toml") -> str:
    with pytest.raises(ScalecheckError) as refused:
        find_table(write(directory, text, name))
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_whole_table(tmp_path):
    table = find_table(write(tmp_path, WHOLE))
    assert table is not None
    assert (table.fail_level, table.jobs, table.output) == ("warning", 4, ("terminal", "sarif:scalecheck.sarif"))
    assert (table.baseline, table.threshold) == (Path("known.json"), "1%")
    assert table.fail_on_increase == {"training_flops": "1.5x", "gpu_hours": "2"}
    common = CheckEntry(config_dir="configs", config_name="train", version_base="1.2", policy="strict")
    assert table.common == common
    experiments, sizes = table.checks
    assert experiments == CheckEntry(
        name="experiments",
        config_dir="configs",
        config_name="train",
        version_base="1.2",
        policy="strict",
        overrides=("experiment=glob(*)",),
    )
    assert (sizes.config_dir, sizes.config_name, sizes.policy) == ("more", "train", "ci/ours.yaml")
    assert sizes.overrides == ("seed=1", "model=small,large", "trainer=glob(*)", "lr=0.001,2", "bias=true")


def test_own_file_holds_the_same_without_the_prefix(tmp_path):
    own, shared = WHOLE.replace("tool.scalecheck.", "").replace("[tool.scalecheck]", ""), WHOLE
    one, other = find_table(write(tmp_path / "a", own, "scalecheck.toml")), find_table(write(tmp_path / "b", shared))
    assert one is not None
    assert other is not None
    assert one.checks == other.checks
    assert one.output == other.output


def test_own_file_goes_before_the_shared_one(tmp_path):
    write(tmp_path, '[tool.scalecheck]\nconfig_name = "theirs"')
    table = find_table(write(tmp_path, 'config_name = "ours"', "scalecheck.toml"))
    assert table is not None
    assert table.common.config_name == "ours"


def test_table_without_checks_has_one_of_its_own_config(tmp_path):
    table = find_table(write(tmp_path, "[tool.scalecheck]\n"))
    assert table is not None
    assert table.checks == (CheckEntry(config_dir="conf", config_name="config", version_base="1.3"),)


def test_paths_are_told_from_the_file_and_found_from_below_it(tmp_path):
    write(tmp_path, WHOLE)
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    write(tmp_path / "src", "[project]\nname = 'another'\n")
    table = find_table(below)
    assert table is not None
    assert table.root == tmp_path
    assert table.common.config_dir == "../../configs"
    assert table.common.policy == "strict", "a shipped policy is no path"
    assert table.checks[1].policy == "../../ci/ours.yaml"
    assert table.baseline == Path("../../known.json")


def test_absolute_paths_stay(tmp_path):
    table = find_table(write(tmp_path, f"[tool.scalecheck]\nconfig_dir = '{tmp_path}/elsewhere'\n"))
    assert table is not None
    assert table.common.config_dir == f"{tmp_path}/elsewhere"


def test_no_table_is_none(tmp_path):
    assert find_table(write(tmp_path, "[project]\nname = 'x'\n")) is None
    assert find_table(write(tmp_path / "a", "tool = 3\n")) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("confg_dir = 'conf'", "there is no key 'confg_dir'. Did you mean 'config_dir'?"),
        ("fail_level = 'eror'", "Did you mean 'error'?"),
        ("jobs = 0", "jobs is 0"),
        ("jobs = true", "jobs is True"),
        ("jobs = '4'", "jobs is '4'"),
        ("config_dir = 3", "config_dir is 3, not a text"),
        ("policy = ''", "policy is ''"),
        ("output = 'terminal'", "output is 'terminal', not a list"),
        ("output = [1]", "output is [1], not a list"),
        ("baseline = []", "baseline is []"),
        ("fail_on_increase = '2x'", "fail_on_increase is '2x'"),
        ("fail_on_increase = {training_flops = [2]}", "fail_on_increase is"),
        ("check = 3", "check is 3, not a list of tables: [[tool.scalecheck.check]]"),
        ("check = [1]", "check is [1]"),
        ("check = [{}]", "check number 1 has the name None"),
        ("check = [{name = 'a'}, {name = 'a'}]", "two checks have the name 'a'"),
        ("check = [{name = 'a\\u001b[31m'}]".replace("'", '"'), "check number 1"),
        ("check = [{name = 'a', overides = []}]", "check 'a': there is no key 'overides'. Did you mean 'overrides'?"),
        ("check = [{name = 'a', jobs = 3}]", "there is no key 'jobs'"),
        ("check = [{name = 'a', overrides = 'seed=1'}]", "overrides is 'seed=1', not a list"),
        ("check = [{name = 'a', matrix = ['x']}]", "matrix is ['x'], not a table"),
        ("check = [{name = 'a', matrix = {model = []}}]", "matrix.model is an empty list"),
        ("check = [{name = 'a', matrix = {model = [['x']]}}]", "matrix.model is [['x']]"),
        ("check = [{name = 'a', matrix = {model = ''}}]", "matrix.model is ''"),
    ],
)
def test_what_is_wrong_is_refused_with_its_file(tmp_path, text, said):
    told = refusal(tmp_path, f"[tool.scalecheck]\n{text}\n")
    assert said in told
    assert "pyproject.toml" in told


def test_table_that_is_none_is_refused(tmp_path):
    assert "not a table" in refusal(tmp_path, "[tool]\nscalecheck = 3\n")


def test_file_that_is_no_toml(tmp_path):
    assert "is no TOML" in refusal(tmp_path / "a", "[tool.scalecheck\n")
    assert "is no TOML" in refusal(tmp_path / "b", "= 3", "scalecheck.toml")
    assert find_table(write(tmp_path / "other", "[project\n")) is None, "of a file that does not speak of us nothing is asked"


def test_file_that_is_no_text(tmp_path):
    (tmp_path / "scalecheck.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScalecheckError, match="cannot be read"):
        find_table(tmp_path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["config_dir", "policy", "jobs", "output", "baseline", "check", "fail_on_increase", "threshold", "fail_level", "x"])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.dictionaries(KEYS, VALUES, max_size=4))
def test_whatever_stands_there_is_read_or_refused_in_one_line(raw):
    here = Path("/repo")
    try:
        read_table(raw, here / "pyproject.toml", here)
    except ScalecheckError as refused:
        assert str(refused).isprintable()
