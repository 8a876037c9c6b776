"""Limits of time: the forms of Lightning, Slurm and submitit, units, and what is not guessed."""

from __future__ import annotations

import pytest

from scalecheck.facts import Unreadable
from scalecheck.survey import survey
from scalecheck.time_limits import time_limit


@pytest.fixture
def limit(view_of):
    return lambda config: time_limit(survey(view_of(config)))


def test_no_limit_is_none(limit):
    assert limit({"trainer": {"max_steps": 10}}) is None
    assert limit({}) is None


def test_submitit_counts_minutes(limit):
    assert limit({"hydra": {"launcher": {"timeout_min": 90}}}) == (1.5, "hydra.launcher.timeout_min")
    assert limit({"hydra": {"launcher": {"timeout_min": "90"}}}) == (1.5, "hydra.launcher.timeout_min")


def test_slurm_time_among_additional_parameters(limit):
    config = {"hydra": {"launcher": {"additional_parameters": {"time": "1-12:00:00"}}}}
    assert limit(config) == (36, "hydra.launcher.additional_parameters.time")


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("00:12:00:00", 12), ("01:12:30:00", 36.5), ("12:00:00", 12), ("72:30:00", 72.5), ("2-0", 48), ("1-06:30", 30.5),
        ("1-00:00:36", 24.01), ("36h", 36), ("90 min", 1.5), ("1d 12h", 36), ("1h30m", 1.5), ("3600s", 1), ("1.5 hours", 1.5), ("2 weeks", 336),
    ],
)  # fmt: skip
def test_forms_of_text(limit, text, hours):
    found = limit({"trainer": {"max_time": text}})
    assert found == (pytest.approx(hours), "trainer.max_time")


def test_mapping_is_read_as_timedelta_reads_it(limit):
    assert limit({"trainer": {"max_time": {"days": 1, "hours": 12, "minutes": 30}}}) == (36.5, "trainer.max_time")


def test_mapping_with_something_else_in_it_is_unreadable(limit):
    found = limit({"trainer": {"max_time": {"hours": "many"}}})
    assert isinstance(found, Unreadable)
    assert "trainer.max_time.hours" in found.reason


@pytest.mark.parametrize(
    ("key", "value", "hours"),
    [
        ("max_hours", 20, 20), ("time_limit_hours", 2.5, 2.5), ("time_limit_in_minutes", 30, 0.5), ("max_time_sec", 7200, 2),
        ("exit_duration_in_mins", 230, 230 / 60), ("walltime_days", 2, 48), ("max_time_per_run", "00:03:45:00", 3.75),
    ],
)  # fmt: skip
def test_unit_of_the_key(limit, key, value, hours):
    assert limit({"run": {key: value}}) == (pytest.approx(hours), f"run.{key}")


def test_slurm_node_of_the_config(limit):
    assert limit({"slurm": {"time": "24:00:00"}}) == (24, "slurm.time")


@pytest.mark.parametrize("value", [43200, 12.5, "720"])
def test_bare_number_without_a_unit_is_not_guessed(limit, value):
    found = limit({"trainer": {"max_time": value}})
    assert isinstance(found, Unreadable)
    assert "trainer.max_time" in found.reason


@pytest.mark.parametrize("text", ["12:00", "soon", "1x", "1h of 2", "::", "1:2:3:4:5"])
def test_text_that_is_no_time_is_unreadable(limit, text):
    found = limit({"trainer": {"max_time": text}})
    assert isinstance(found, Unreadable)
    assert "\n" not in found.reason


@pytest.mark.parametrize("value", [None, 0, -1, False, "", "none", "UNLIMITED", float("inf"), "00:00:00:00"])
def test_ways_to_say_no_limit(limit, value):
    assert limit({"trainer": {"max_time": value}}) is None


def test_missing_value_is_unreadable(limit):
    found = limit({"trainer": {"max_time": "???"}})
    assert isinstance(found, Unreadable)
    assert "trainer.max_time cannot be read" in found.reason


def test_shortest_of_several_limits_counts(limit):
    config = {"hydra": {"launcher": {"timeout_min": 600}}, "trainer": {"max_time": "00:04:00:00"}, "slurm": {"time": "1-00:00:00"}}
    assert limit(config) == (4, "trainer.max_time")


def test_limit_that_can_be_read_counts_beside_one_that_cannot(limit):
    config = {"hydra": {"launcher": {"timeout_min": 60}}, "trainer": {"max_time": 43200}}
    assert limit(config) == (1, "hydra.launcher.timeout_min")


def test_limit_of_evaluation_and_timeouts_of_connections_are_none_of_the_run(limit):
    assert limit({"eval": {"max_time": "01:00:00"}, "dist": {"timeout": 30, "timeout_s": 600}, "data": {"time": "10:00:00"}}) is None


def test_limit_of_another_stage_is_none_of_the_training(limit):
    curation = {"common_crawl": {"run": {"time_limit": "00:20:00"}}}
    assert limit({"data_curation": curation, "conversion": {"run": {"time_limit": "0:30:00"}}}) is None
    config = {"data_curation": curation, "training": {"run": {"time_limit": "1-00:00:00"}}}
    assert limit(config) == (24, "training.run.time_limit")


def test_budgets_of_scalecheck_are_no_limit_of_the_launcher(limit):
    assert limit({"hydra": {"callbacks": {"scalecheck": {"rules": {"over_budget": {"max_hours": 3}}}}}}) is None


def test_submitits_limit_is_not_told_to_be_a_text(limit):
    found = limit({"hydra": {"launcher": {"timeout_min": "abc"}}})
    assert found == Unreadable(reason="hydra.launcher.timeout_min is 'abc'; it needs a whole number of minutes")
