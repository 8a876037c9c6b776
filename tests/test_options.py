"""How the options of a policy are read, and what reading them costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest

from scalecheck.errors import PolicyError
from scalecheck.options import Above, count_or_none, number, switch

ROOT = Path(__file__).parents[1]
LOADS_A_SHIPPED_POLICY = """
import sys, yaml
from scalecheck.policy import load_policy
node = yaml.safe_load(open("conf/policy.yaml"))
policy = load_policy(node)
assert policy.rules["over_budget"].rule.sweep.max_training_flops is None
unneeded = {"pydantic", "annotated_types", "typing_extensions", "fractions", "difflib", "csv", "scalecheck.expression"}
print(*sorted(unneeded & set(sys.modules)))
"""


def test_bound_is_one_to_pydantic():
    adapter = pytest.importorskip("pydantic").TypeAdapter(Annotated[float, Above(0)] | None)
    assert adapter.validate_python(0.5) == 0.5
    assert adapter.validate_python(None) is None
    with pytest.raises(ValueError, match="greater than 0") as refused:
        adapter.validate_python(0)
    assert refused.value.errors()[0]["ctx"] == {"gt": 0}


def test_bound_is_the_annotation_that_pydantic_knows():
    annotated_types = pytest.importorskip("annotated_types")
    assert list(Above(3)) == [annotated_types.Gt(3)]
    assert isinstance(Above(3), annotated_types.GroupedMetadata)


def test_shipped_policy_is_read_without_what_only_validation_or_a_failure_needs():
    done = subprocess.run([sys.executable, "-c", LOADS_A_SHIPPED_POLICY], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize(("value", "read"), [("300B", 300 * 10**9), ("1e21", 10**21), (1.5, 1.5), (7, 7)])
def test_number_may_be_written_as_people_write_it(value, read):
    assert number(value, "key") == read


@pytest.mark.parametrize("value", [True, "many", None, float("nan"), float("inf"), 10**400, [1]])
def test_what_is_no_finite_number_is_refused_with_its_key(value: Any):
    with pytest.raises(PolicyError, match=r"^some\.key is "):
        number(value, "some.key")


def test_text_that_is_no_count_is_none():
    assert count_or_none("data.batch_size") is None


def test_switch_takes_booleans_only():
    assert switch(value=True, key="k") is True
    with pytest.raises(PolicyError, match="true or false"):
        switch("yes", "k")
