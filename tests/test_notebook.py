"""What a notebook shows of a report, a ledger and a fit: a sentence and pictures, or the sentence and why there are none; never an error."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from scalecheck import notebook, page, registry
from scalecheck.account import count
from scalecheck.config_file import read_config_file
from scalecheck.drawing.canvas import INSTALL
from scalecheck.facts import Account, Counted, Job, ModelShape, Reading, Report, Run
from scalecheck.outlook import outlooks
from scalecheck.own_fit import Asked, fit_runs
from scalecheck.policy_laws import DEFAULT_LAWS
from scalecheck.runs_table import Columns, read_runs

GPT2 = Path(__file__).parent / "oracle" / "configs" / "gpt2.json"
HOSTILE = "<script>alert(1)</script> \x00 $x_1$ &amp; \u202e"


class Elements(HTMLParser):
    """The elements and the text of a fragment."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def reading():
    read = read_config_file(GPT2)
    return replace(read, plan=replace(read.plan, sequence_length=1024, training_tokens=10**9))


@pytest.fixture(scope="module")
def report(reading):
    account = count(reading)
    run = Run(reading=reading, account=account, outlooks=outlooks(account, DEFAULT_LAWS), judge="hoffmann2022_a1")
    return Report(jobs=(Job(name=HOSTILE, overrides=(HOSTILE,), run=run, findings=(), verdict="warn"),), verdict="warn")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    table = tmp_path_factory.mktemp("runs") / "runs.csv"
    rows = [(n, d, 1.7 + 400 / n**0.34 + 400 / d**0.28) for n in np.geomspace(1e7, 1e9, 6) for d in np.geomspace(1e9, 3e10, 6)]
    table.write_text("params,tokens,loss\n" + "".join(f"{n:.0f},{d:.0f},{loss:.6f}\n" for n, d, loss in rows))
    columns = Columns(params_convention="total")
    return fit_runs(read_runs(table, columns, {}), Asked(name="mine", source="runs.csv", params_convention="total", resamples=4, seed=0))


def test_a_report_is_its_verdict_and_every_picture(report):
    shown = Elements(report._repr_html_())
    assert shown.tags.count("svg") >= len(registry.names("pictures")) - 1
    assert "script" not in shown.tags
    assert "warn: N 124.4M params" in shown.text
    for name in registry.names("pictures"):
        assert registry.load("pictures", name).picture(report).title in shown.text


def test_a_sweep_is_told_by_its_findings(report):
    job = report.jobs[0]
    several = replace(report, jobs=(job, replace(job, name="1")), verdict="silent")
    assert "no verdict: 2 jobs checked: nothing found" in several._repr_html_()


def test_a_ledger_is_n_c_and_where_they_are(reading):
    account = count(reading)
    shown = Elements(account._repr_html_())
    assert "N 124.4M parameters, C 854.4M training FLOPs per token at 1,024 tokens." in shown.text
    assert shown.tags.count("svg") == 1
    counted = Counted(source=HOSTILE, reading=reading, account=account)
    assert "gpt2: N 124.4M" in counted._repr_html_()


def test_a_ledger_that_is_empty_is_said_to_be():
    assert "N unknown parameters, training FLOPs per token unknown." in Account()._repr_html_()
    assert "svg" not in Elements(Account(total_params=5)._repr_html_()).tags


def test_of_a_mixture_of_experts_the_active_part_is_told():
    read = read_config_file(GPT2.with_name("mixtral-8x7b.json"))
    told = notebook.account_sentence(count(replace(read, plan=replace(read.plan, sequence_length=1024))), "mixtral")
    assert told.startswith("mixtral: N 46.7B parameters, of which a token meets 12.9B, C 78.1B ")


def test_a_fit_is_its_law_and_its_pictures(found):
    shown = Elements(found._repr_html_())
    assert "mine: L = 1.7" in shown.text
    assert "fitted to 36 runs; " in shown.text
    assert shown.tags.count("svg") >= 1
    assert "script" not in shown.tags


def test_no_text_of_a_config_is_markup(report):
    job = report.jobs[0]
    shape = ModelShape(family=HOSTILE, num_layers=0, hidden_size=0, vocab_size=None)
    bad = replace(job, run=replace(job.run, reading=replace(job.run.reading, shape=shape)))
    for thing in (replace(report, jobs=(bad,)), Counted(source="x", reading=Reading(shape=shape), account=job.run.account)):
        shown = Elements(thing._repr_html_())
        assert "script" not in shown.tags
        assert "<script>alert(1)</script>" in shown.text


def test_a_picture_that_fails_costs_no_other(report, monkeypatch):
    def broken(_):
        message = "no such number"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(registry.load("pictures", "losses"), "picture", broken)
    shown = notebook.report_html(report)
    assert shown.count("<svg") >= 1
    assert "This picture could not be made (ZeroDivisionError); the others do not depend on it." in shown


def test_what_goes_wrong_in_drawing_is_one_sentence(report, monkeypatch):
    def broken(*_):
        message = "<b>no</b>"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(page, "fragment", broken)
    for thing in (report, report.jobs[0].run.account):
        shown = Elements(thing._repr_html_())
        assert shown.tags == ["p", "p"]
        assert "N 124.4M" in shown.text
        assert shown.text.endswith("could not be drawn: ZeroDivisionError.")
    hostile = Elements(notebook.account_html(report.jobs[0].run.account, HOSTILE))
    assert hostile.tags == ["p", "p"]
    assert hostile.text.startswith("<script>alert(1)</script>")
    monkeypatch.setattr(notebook, "_verdict", broken)
    assert report._repr_html_() == "<p>a report</p><p>The pictures of a report could not be drawn: ZeroDivisionError.</p>"


@pytest.mark.parametrize("missing", ["matplotlib", "jinja2"])
def test_without_the_libraries_one_sentence_says_what_to_install(missing):
    code = f"""
        import sys; sys.modules[{missing!r}] = None
        from dataclasses import replace
        from pathlib import Path
        from scalecheck.account import count
        from scalecheck.config_file import read_config_file
        reading = read_config_file(Path({str(GPT2)!r}))
        print(count(replace(reading, plan=replace(reading.plan, sequence_length=1024)))._repr_html_())
    """
    done = subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True)
    shown = Elements(done.stdout)
    assert shown.text.strip().endswith(INSTALL)
    assert shown.text.startswith("model: N 124.4M parameters")
    assert "svg" not in shown.tags


def test_ipython_shows_it(report):
    formatters = pytest.importorskip("IPython.core.formatters")
    data, _ = formatters.DisplayFormatter().format(report)
    assert "<svg" in data["text/html"]


def test_importing_what_can_be_shown_imports_nothing_that_draws():
    code = "import sys, scalecheck.facts, scalecheck.own_fit\nprint([n for n in ('scalecheck.notebook', 'matplotlib', 'jinja2') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
