"""Laws that a policy names: shipped ones, and files of the user's own."""

from __future__ import annotations

import pytest

from scalecheck.errors import PolicyError
from scalecheck.policy import load_policy
from scalecheck.policy_laws import DEFAULT_LAWS

MINE = """
name: mine
form: loss_surface
params_convention: total
data: our runs
fitted_range: {params: [1e7, 1e9]}
E: 1.7
A: 400.0
B: 1800.0
alpha: 0.35
beta: 0.36
"""


@pytest.fixture
def law_file(tmp_path):
    path = tmp_path / "conf" / "mine.yaml"
    path.parent.mkdir()
    path.write_text(MINE)
    return path


def test_seven_laws_are_shown_and_the_first_judges():
    policy = load_policy(None)
    assert policy.laws == DEFAULT_LAWS
    assert policy.law == "hoffmann2022_a1" == DEFAULT_LAWS[0]
    assert policy.own_laws == {}


def test_own_law_judges_under_its_name(law_file, tmp_path):
    policy = load_policy({"law": "conf/mine.yaml"}, tmp_path)
    assert policy.law == "mine"
    assert policy.laws == ("mine", *DEFAULT_LAWS)
    assert policy.own_laws["mine"].alpha == 0.35


def test_own_law_may_only_be_shown(law_file):
    policy = load_policy({"laws": ["besiroglu2024", str(law_file)]})
    assert policy.laws == ("hoffmann2022_a1", "besiroglu2024", "mine")


def test_relative_path_is_that_of_the_launch(law_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "conf")
    with pytest.raises(PolicyError, match=r"there is no file conf/mine\.yaml \(looked in "):
        load_policy({"law": "conf/mine.yaml"})


def test_name_of_a_shipped_law_is_refused(law_file):
    law_file.write_text(MINE.replace("name: mine", "name: besiroglu2024"))
    with pytest.raises(PolicyError, match="calls its law besiroglu2024, as another law is called"):
        load_policy({"law": str(law_file)})


def test_two_files_of_one_name_are_refused(law_file, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(MINE.replace("1.7", "1.8"))
    with pytest.raises(PolicyError, match="as another law is called"):
        load_policy({"law": str(law_file), "laws": [str(other)]})


@pytest.mark.parametrize(("line", "key"), [("alpha: 0.35\n", "alpha"), ("B: 1800.0", "B")])
def test_missing_coefficient_names_policy_key_and_file_key(law_file, line, key):
    law_file.write_text(MINE.replace(line, ""))
    with pytest.raises(PolicyError, match=rf"hydra\.callbacks\.scalecheck\.law: .*{key}"):
        load_policy({"law": str(law_file)})


def test_misspelt_law_names_the_nearest():
    with pytest.raises(PolicyError, match="Did you mean 'hoffmann2022_a1'"):
        load_policy({"law": "hofmann2022_a1"})
