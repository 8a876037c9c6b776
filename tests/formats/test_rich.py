"""Tables in a terminal: as wide as it is, whatever the configs hold, and honest about what is not shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from scalecheck.facts import Account, Finding, Job, Reading, Remedy, Report, Run, TrainingPlan
from scalecheck.formats.rich import MOST_FINDINGS, MOST_ROWS, render
from scalecheck.text import clean, columns_of

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
BAD = Finding(rule="undertrained", message="too short", severity="error")


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    """``terminal(columns)``: a terminal of that width; 100 columns unless said otherwise, and no variable about colours."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)

    def made(columns):
        monkeypatch.setenv("COLUMNS", str(columns))

    made(100)
    return made


def job(number=0, *, verdict="pass", findings=(), params=10**9, tokens=2 * 10**10, flops=10**20):
    account = Account(
        total_params=params,
        training_tokens=tokens,
        training_flops=flops,
        tokens_per_parameter=tokens / params if params and tokens is not None else None,
    )
    run = Run(reading=Reading(plan=TrainingPlan(training_tokens=tokens)), account=account, judge="hoffmann2022_a1")
    return Job(name=str(number), overrides=(f"seed={number}",), run=run, findings=tuple(findings), verdict=verdict)


def test_one_job_is_figures_below_each_other(situations):
    lines = render(situations["stop"]).splitlines()
    assert lines[0] == "scalecheck: stop: 1 job checked: 1 error, 1 note"
    assert " N params  124.4M" in lines
    assert " multiple  x0.076 of hoffmann2022_a1" in lines


def test_remedy_is_whole_and_its_effect_below_it(situations):
    lines = render(situations["stop"]).splitlines()
    typed = lines.index("  try: trainer.max_steps=4722")
    assert lines[typed + 1] == "       same model, compute-optimal, 13x the compute"
    assert lines[typed + 2].startswith("  or:  about 34.3M parameters")


def test_sweep_is_a_table_with_every_figure(situations):
    lines = render(situations["sweep"]).splitlines()
    assert lines[2].split() == ["job", "overrides", "N", "params", "D", "tokens", "D/N", "multiple", "C", "FLOPs", "verdict"]
    assert lines[5].split() == ["1", "a=2", "b=x", "124.4M", "186.6M", "1.5", "x0.076", "1.59e17", "stop"]
    assert "conf/trainer/default.yaml:3, job 1 (a=2 b=x) and 1 more" in lines


def test_findings_are_told_once_errors_first_and_what_is_waived_with_its_reason(situations):
    text = render(situations["waived"])
    assert text.count("error: undertrained ") == 1
    assert (
        text.index("error: undertrained") < text.index("note: assumed_values") < text.index("waived: job 2 (a=3 b=x): undertrained: smoke")
    )


@pytest.mark.parametrize("columns", [30, 40, 57, 80, 150])
@pytest.mark.parametrize("name", ["stop", "sweep", "unknown", "nothing", "waived"])
def test_no_line_is_wider_than_the_terminal_but_what_is_to_be_typed(situations, terminal, columns, name):
    terminal(columns)
    for line in render(situations[name]).splitlines():
        assert columns_of(line) <= columns or line.startswith(("  try: ", "  or:  ")), line


def test_narrow_table_keeps_the_multiple_and_no_figure_is_broken(situations, terminal):
    terminal(40)
    lines = render(situations["sweep"]).splitlines()
    assert ["1", "124.4M", "x0.076", "stop"] in [line.split() for line in lines]


def test_what_is_to_be_typed_is_never_broken(terminal):
    terminal(30)
    long = Remedy(overrides=("trainer.max_steps=123456", "data.path=" + "x" * 90), effect="as long as it is")
    text = render(Report(jobs=(job(findings=[replace(BAD, remedies=(long,))]),), verdict="stop"))
    assert f"\n  try: trainer.max_steps=123456 data.path={'x' * 90}\n" in text


def test_no_colour_unless_it_is_asked_for(situations, monkeypatch):
    plain = render(situations["stop"])
    assert "\x1b" not in plain
    painted = render(situations["stop"], color=True)
    assert "\x1b[31merror: undertrained" in painted
    assert ESCAPE.sub("", painted).split() == plain.split()
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert render(situations["stop"]) == plain


def test_who_asks_decides_and_no_variable(situations, monkeypatch):
    painted = render(situations["stop"], color=True)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("NO_COLOR", "1")  # outputs.py looks at it, before it asks for colours
    assert render(situations["stop"], color=True) == painted


@pytest.mark.parametrize("columns", [40, 100])
def test_hostile_text_is_shown_as_it_is_and_does_nothing(filled, hostile_text, terminal, columns):
    terminal(columns)
    text = render(filled(hostile_text))
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "##[" not in text
    assert [line for line in text.splitlines() if line.lstrip().startswith("::")] == []
    shown = clean(hostile_text).replace("::", ": :", 1) if clean(hostile_text).lstrip().startswith("::") else clean(hostile_text)
    squeezed = re.sub(r"\s", "", text)
    assert re.sub(r"\s", "", clean(hostile_text)) in squeezed or re.sub(r"\s", "", shown) in squeezed


def test_markup_of_rich_is_text(filled):
    text = render(filled("[bold red]a[/] :boom: [link=http://x.example]b[/link]"), color=True)
    assert "[bold red]a[/] :boom: [link=http://x.example]b[/link]" in ESCAPE.sub("", text)
    assert "\x1b]8;" not in text


def test_ten_thousand_jobs_are_cut_and_the_rest_is_counted():
    jobs = [job(number) for number in range(9_990)] + [job(number, verdict="stop", findings=[BAD]) for number in range(9_990, 10_000)]
    lines = render(Report(jobs=tuple(jobs), verdict="stop")).splitlines()
    rows = [line for line in lines if re.match(r" \d+ +seed=", line)]
    assert len(rows) == MOST_ROWS
    assert [row.split()[-1] for row in rows[:11]] == ["stop"] * 10 + ["pass"]
    assert "... 9,960 more jobs not shown, none of them worse; the json format has them all" in lines
    assert len(lines) < 150


def test_hundreds_of_findings_are_cut_and_counted():
    jobs = [job(number, verdict="stop", findings=[replace(BAD, message=f"too short by {number}")]) for number in range(50)]
    waived = [replace(BAD, message=f"m{number}", waived="known") for number in range(60)]
    text = render(Report(jobs=(*jobs, job(99, findings=waived)), verdict="stop"))
    assert text.count("error: undertrained") == MOST_FINDINGS
    assert text.count("waived: job 99") == MOST_FINDINGS
    assert "... 10 more findings not shown; the json format has them all" in text
    assert "... 20 more waived findings not shown; the json format has them all" in text


@pytest.mark.parametrize(
    ("params", "tokens", "shown"),
    [
        (None, 10**10, ["unknown", "10.0B"]),
        (10**9, None, ["1.00B", "unknown"]),
        (None, None, ["unknown", "unknown"]),
        pytest.param(10**320, 10**400, ["1.00e320", "1.00e400"], id="huge"),
    ],
)
def test_what_is_unknown_or_huge_is_said_and_never_zero(params, tokens, shown):
    made = job(params=None, flops=None, tokens=None)
    made = replace(made, run=replace(made.run, account=Account(total_params=params, training_tokens=tokens)))
    text = render(Report(jobs=(made, replace(made, name="1", overrides=("seed=1",))), verdict="silent"))
    row = next(line.split() for line in text.splitlines() if line.startswith(" 0 "))
    assert row == ["0", "seed=0", *shown, "-", "-", "unknown", "pass"]
    assert text.startswith("scalecheck: no verdict: ")


def test_nothing_checked_is_one_line():
    assert render(Report(jobs=())) == "scalecheck: pass: 0 jobs checked: nothing found\n"


def in_a_process(code, **environ):
    clean = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "PYTHONIOENCODING")}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False, env=clean | environ)


@pytest.mark.parametrize("missing", ["rich", "plotext"])
def test_without_the_libraries_one_sentence_says_what_to_install(missing):
    code = f"""
import sys
sys.modules["{missing}"] = None
from scalecheck.cli import main
sys.exit(main(["check", "--config-dir", "examples/pretrain/conf", "--config-name", "train", "--format", "rich"]))
"""
    done = in_a_process(code)
    assert done.returncode == 2
    assert done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    assert line == "scalecheck: error: tables and plots in the terminal need rich and plotext: pip install 'scalecheck[report]'"


def test_ascii_alone_where_standard_output_is_not_unicode():
    code = """
from scalecheck.cli import main
main(["check", "--config-dir", "examples/pretrain/conf", "--config-name", "train", "-m", "--format", "rich", "seed=1,2"])
"""
    done = in_a_process(code, PYTHONIOENCODING="ascii", COLUMNS="70")
    assert done.stderr == b""
    assert done.stdout.isascii()
    assert b"\\u" not in done.stdout
    assert b"multiple" in done.stdout
    unicode = in_a_process(code, PYTHONIOENCODING="utf-8", COLUMNS="70")
    assert "─" in unicode.stdout.decode()


def test_importing_the_format_imports_no_library():
    code = "import sys, scalecheck.formats.rich; print([name for name in ('rich', 'plotext', 'matplotlib') if name in sys.modules])"
    assert in_a_process(code).stdout.decode().strip() == "[]"
