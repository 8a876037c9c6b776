"""A law's file: written and read back exactly, and one sentence with file and key for everything that is no law."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import replace

import pytest
import yaml

from scalecheck.errors import ScalecheckError
from scalecheck.forms import Citation, FittedRange, LossSurface
from scalecheck.law_file import law_of_plain, plain_law, read_law, write_law
from scalecheck.laws.besiroglu2024 import LAW as PUBLISHED
from scalecheck.laws.hoffmann2022_a1 import LAW as ALLOCATION

OWN = LossSurface(
    name="mine",
    citation=Citation(authors="", year=0, arxiv="", where=""),
    params_convention="non_embedding",
    data="12 runs of runs.csv: 'quoted', ünïcode",
    fitted_range=FittedRange(params=(1e7, 1.1e9), tokens_per_parameter=(0.1 + 0.2, 300)),
    note="a: b # c",
    log_covariance=PUBLISHED.log_covariance,
    E=1 / 3,
    A=1e21,
    B=2085.43,
    alpha=0.1 + 0.2,
    beta=1e-5,
)


@pytest.fixture
def written(tmp_path):
    """``written(**changes)`` is the path of a law's file with these keys changed; ``None`` takes a key out."""

    def write(**changes):
        write_law(tmp_path / "mine.yaml", OWN, {}, replace=True)
        node = yaml.safe_load((tmp_path / "mine.yaml").read_text()) | changes
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump({key: value for key, value in node.items() if value is not None}))
        return tmp_path / "mine.yaml"

    return write


def refusal(path):
    with pytest.raises(ScalecheckError) as caught:
        read_law(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_law_comes_back_to_the_last_digit(tmp_path):
    path = tmp_path / "conf" / "law" / "mine.yaml"
    write_law(path, OWN, {"objective": 0.1, "rows": 12})
    found = read_law(path)
    assert replace(found, citation=OWN.citation) == OWN
    assert found.citation.where == str(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["mine.yaml"], "no temporary file is left"


def test_law_without_covariance_or_range_or_name(written):
    found = read_law(written(log_covariance=None, fitted_range=None, name=None, data=None, note=None))
    assert found.log_covariance is None
    assert found.fitted_range == FittedRange()
    assert found.name == "mine", "the file's name"


def test_file_can_be_read_by_the_team(tmp_path):
    mask = os.umask(0o022)
    try:
        write_law(tmp_path / "mine.yaml", OWN, {})
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "mine.yaml").stat().st_mode) == 0o644


def test_numbers_that_yaml_reads_as_text(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("{params_convention: total, E: 0, A: 4e2, B: 1e21, alpha: 0.3, beta: 0.3, fitted_range: {flops: [1e18, 1e21]}}")
    found = read_law(path)
    assert (found.E, found.A, found.B, found.fitted_range.flops) == (0.0, 400.0, 1e21, (1e18, 1e21))
    assert found.loss(1e9, 2e10) > 0
    assert found.optimum(1e21).params > 0


@pytest.mark.parametrize("key", ["E", "A", "B", "alpha", "beta"])
@pytest.mark.parametrize("value", [None, -1.0, float("nan"), float("inf"), "high", True, [1], 10**400])
def test_coefficient_that_is_none_is_named(written, key, value):
    said = refusal(written(**{key: value}))
    assert f"coefficient {key} is " in said
    assert "a finite number" in said
    assert ("missing" in said) == (value is None)


@pytest.mark.parametrize("key", ["A", "B", "alpha", "beta"])
def test_zero_is_for_E_alone(written, key):
    assert "above 0" in refusal(written(**{key: 0}))
    assert read_law(written(E=0)).E == 0.0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"alhpa": 0.3}, "no key alhpa. Did you mean 'alpha'?"),
        ({"form": "allocation"}, "form is 'allocation'; it must be loss_surface"),
        ({"params_convention": None}, "params_convention is missing"),
        ({"params_convention": "all"}, "params_convention is 'all'; it says which parameters N counts: total"),
        ({"fitted_range": {"flop": [1, 2]}}, "no key fitted_range.flop. Did you mean 'flops'?"),
        ({"fitted_range": {"flops": [2, 1]}}, "fitted_range.flops is [2, 1]; it needs [smallest, largest]"),
        ({"fitted_range": {"flops": 7}}, "fitted_range.flops is 7"),
        ({"fitted_range": 7}, "fitted_range is 7"),
        ({"name": 7}, "name is 7; it needs a text"),
        ({"log_covariance": [[1.0] * 5] * 4}, "it needs 5 rows of 5 numbers, in the order log A, log B, log E, alpha, beta"),
        ({"log_covariance": 7}, "log_covariance is 7"),
        ({"log_covariance": [[1.0] * 5] * 4 + [[1.0] * 4 + ["x"]]}, "log_covariance[4][4] is 'x'"),
        ({"log_covariance": [[-1.0] * 5] * 5}, "log_covariance[0][0] is -1; it is a variance"),
        ({"log_covariance": [[1.0] * 5] * 4 + [[0.5] + [1.0] * 4]}, "not symmetric: [4][0] is 0.5 and [0][4] is 1"),
    ],
)
def test_what_is_no_law_is_named(written, changes, said):
    assert said in refusal(written(**changes))


@pytest.mark.parametrize(
    "text",
    ["", "7", "[1]", "a: [", "\x00", "a: 2024-99-99", "[" * 1000, pytest.param("[" * 5000, marks=pytest.mark.extended)],
    ids=lambda text: repr(text[:8]),
)
def test_file_that_is_no_mapping_or_no_yaml(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    refusal(path)


def test_missing_file_and_file_that_is_no_text(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "mine.yaml")
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe\x00")
    assert "no YAML" in refusal(tmp_path / "mine.yaml")


def test_only_a_law_is_replaced(tmp_path):
    path = tmp_path / "mine.yaml"
    write_law(path, OWN, {})
    write_law(path, replace(OWN, E=2.0), {})
    assert read_law(path).E == 2.0
    path.write_text("trainer: {max_steps: 5}\n")
    with pytest.raises(ScalecheckError, match="holds no law .* --force"):
        write_law(path, OWN, {})
    assert path.read_text() == "trainer: {max_steps: 5}\n"
    write_law(path, OWN, {}, replace=True)
    assert read_law(path).E == OWN.E


@pytest.mark.parametrize(
    ("out", "said"), [("mine.txt", r"\.yaml"), ("file/mine.yaml", "nothing can be written"), ("folder.yaml", "directory")]
)
def test_place_where_no_law_can_be(tmp_path, out, said):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(ScalecheckError, match=said):
        write_law(tmp_path / out, OWN, {})


def test_reading_a_law_imports_no_numpy():
    code = "import sys, scalecheck.law_file; sys.exit(sorted({'numpy', 'pydantic', 'hydra', 'omegaconf'} & set(sys.modules)) or 0)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr == ""


def test_plain_values_are_the_law_with_the_place_of_its_file():
    law = replace(OWN, citation=Citation(authors="your own fit", year=0, arxiv="", where="conf/mine.yaml"))
    plain = plain_law(law)
    assert (plain["file"], plain["alpha"]) == ("conf/mine.yaml", OWN.alpha)
    assert law_of_plain(plain, "own_laws.mine") == law


def test_law_of_another_form_has_no_plain_values():
    assert plain_law(ALLOCATION) is None


@pytest.mark.parametrize("node", [None, 3, "x", [], {"file": 3}, {"fil": "x"}])
def test_plain_values_that_are_no_law_are_named_by_their_place(node):
    with pytest.raises(ScalecheckError, match=r"^own_laws\.x: ") as caught:
        law_of_plain(node, "own_laws.x")
    assert "\n" not in str(caught.value)
