"""``scalecheck render``: a JSON report in any other format."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from scalecheck import registry
from scalecheck.cli import main
from scalecheck.facts import Account, Finding, Job, Reading, Report, Run
from scalecheck.formats.json import render as as_json

FOUND = Finding(rule="undertrained", message="too short", severity="error")
JOB = Job(
    name="0", overrides=("a=1",), run=Run(reading=Reading(), account=Account()), findings=(FOUND,), verdict="stop", config="conf/train.yaml"
)
REPORT = Report(jobs=(JOB, replace(JOB, name="1", overrides=("a=2",))), verdict="stop")


@pytest.fixture
def shown(tmp_path, monkeypatch, capsys):
    """``shown(*arguments)`` renders report.json: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.json").write_text(as_json(REPORT))

    def run(*arguments):
        code = main(["render", *arguments])
        return (code, *capsys.readouterr())

    return run


@pytest.mark.parametrize("name", [name for name in registry.names("formats") if name not in ("svg", "png")])
def test_format_is_what_the_check_itself_would_have_printed(shown, name):
    assert shown("report.json", "--format", name) == (0, registry.load("formats", name).render(REPORT), "")


def test_picture_by_its_name(shown, tmp_path):
    assert shown("report.json", "--output", "svg:out/", "--picture", "ledgr")[2].endswith(
        "--picture ledgr: there is no such picture. Did you mean 'ledger'?\n"
    )
    code, _, err = shown("report.json", "--output", "svg:a.svg", "--picture", "ledger")
    assert (code, err) == (2, "scalecheck: error: there is nothing to draw: Nothing is drawn: of no job's model are the parts known.\n")
    assert not (tmp_path / "a.svg").exists()


def test_terminal_is_the_default(shown):
    assert shown("report.json")[1].startswith("scalecheck: stop: 2 jobs checked")


def test_several_outputs(shown, tmp_path):
    code, out, _ = shown("report.json", "--output", "sarif:a.sarif", "--output", "junit:b.xml", "--format", "markdown")
    assert code == 0
    assert out.startswith("**scalecheck: stop: 2 jobs checked: 2 errors**")
    assert json.loads((tmp_path / "a.sarif").read_text())["version"] == "2.1.0"
    assert (tmp_path / "b.xml").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.json",), "none.json: it cannot be read: No such file or directory."),
        (("report.json", "--format", "sarf"), "there is no format 'sarf'. Did you mean 'sarif'?"),
        (("report.json", "--output", "json:report.json/x"), "--output json:report.json/x: it cannot be written: "),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_2(shown, arguments, said):
    code, out, err = shown(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("scalecheck: error: ")
    assert said in err
    assert err.count("\n") == 1


def test_newer_report_is_one_sentence_and_no_file(shown, tmp_path):
    (tmp_path / "report.json").write_text(as_json(REPORT).replace('"schema_version": 1', '"schema_version": 7'))
    code, _, err = shown("report.json", "--output", "sarif:a.sarif")
    assert code == 2
    assert "schema_version 7" in err
    assert not (tmp_path / "a.sarif").exists()
