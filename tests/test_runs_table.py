"""A table of runs: its columns, its units, and one sentence for rows that no fit can take."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path

import pytest

from scalecheck.errors import ScalecheckError
from scalecheck.runs_table import Columns, parse_units, read_runs

SARDANA = Path(__file__).parent / "data" / "sardana.csv"
RUNS = [(size, size * ratio, 1.7 + 400 / size**0.34 + 410 / (size * ratio) ** 0.28) for size in (1e7, 1e8, 1e9) for ratio in (5, 20, 80)]


def csv_of(runs, header="params,tokens,loss"):
    return "\n".join([header, *(",".join(str(cell) for cell in run) for run in runs)]) + "\n"


@pytest.fixture
def read(tmp_path):
    """``read(text, name=, units=, **columns)`` is the table of a file with this text."""

    def reading(text, *, name="runs.csv", units=None, **columns):
        path = tmp_path / name
        path.write_text(text)
        return read_runs(path, Columns(**columns), parse_units(units))

    return reading


@pytest.fixture
def refusal(read):
    def refused(text, **options):
        with pytest.raises(ScalecheckError) as caught:
            read(text, **options)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return refused


def test_sardana_columns_by_their_names():
    table = read_runs(SARDANA, Columns(), {})
    assert table.used == {"params": "Parameters", "tokens": "Tokens", "loss": "Smoothed Loss"}
    assert (table.num_rows, len(table.observations), table.notes) == (47, 47, ())
    assert table.observations.tokens[0] == 1.51e9


def test_runs_up_to_a_ratio_bounds_included():
    table = read_runs(SARDANA, Columns(max_tokens_per_parameter=100), {})
    ratios = table.observations.tokens / table.observations.params
    assert (len(ratios), max(ratios)) == (34, 100)
    assert table.notes == ("34 of 47 runs have at most 100 tokens per parameter; the others are left out.",)


@pytest.mark.parametrize(
    "header", ["N,D,loss", "Model Size,Training Tokens,final_loss", "n_params,tokens,val/loss", "total_params,D,LOSS", " n , d , loss "]
)
def test_common_names(read, header):
    assert len(read(csv_of(RUNS, header)).observations) == len(RUNS)


def test_json_lines_json_and_tabs_are_the_same_runs(read):
    records = [dict(zip(("params", "tokens", "loss"), run, strict=True)) for run in RUNS]
    tables = [
        read(csv_of(RUNS)),
        read("\n\n".join(json.dumps(record) for record in records), name="runs.jsonl"),
        read(json.dumps(records), name="runs.json"),
        read(csv_of(RUNS).replace(",", "\t"), name="runs.tsv"),
        read(csv_of(RUNS).replace(",", ";")),
        read("\ufeff" + csv_of(RUNS).replace("\n", "\r\n")),
    ]
    assert {table.observations.loss.tobytes() for table in tables} == {tables[0].observations.loss.tobytes()}
    assert {table.observations.tokens.tobytes() for table in tables} == {tables[0].observations.tokens.tobytes()}


def test_tokens_from_flops(read):
    runs = [(params, 6 * params * tokens, loss) for params, tokens, loss in RUNS]
    table = read(csv_of(runs, "N,C,loss"))
    assert table.used == {"params": "N", "flops": "C", "loss": "loss"}
    assert table.observations.tokens == pytest.approx([tokens for _, tokens, _ in RUNS])


def test_given_flops_win_over_a_column_of_tokens(read):
    runs = [(params, 1e12, 6 * params * tokens, loss) for params, tokens, loss in RUNS]
    table = read(csv_of(runs, "N,D,budget,loss"), flops="budget")
    assert table.observations.tokens == pytest.approx([tokens for _, tokens, _ in RUNS])


def test_counts_as_people_write_them_and_units(read):
    runs = [(f"{params / 1e6:g}M", tokens / 1e9, loss) for params, tokens, loss in RUNS]
    table = read(csv_of(runs), units="tokens=1e9")
    assert table.observations.params == pytest.approx([params for params, _, _ in RUNS])
    assert table.observations.tokens == pytest.approx([tokens for _, tokens, _ in RUNS])


def test_convention_takes_the_column_that_is_called_so(read):
    runs = [(params, params / 2, tokens, loss) for params, tokens, loss in RUNS]
    text = csv_of(runs, "params,non_embedding_params,tokens,loss")
    assert read(text).used["params"] == "params"
    assert read(text, params_convention="non_embedding").used["params"] == "non_embedding_params"


def test_only_parameters_of_another_convention(refusal):
    said = refusal(csv_of(RUNS, "non_embedding_params,tokens,loss"))
    assert "N is to be total" in said
    assert "--params-convention non_embedding" in said


@pytest.mark.parametrize(
    ("header", "options", "said"),
    [
        ("params,tokens,x", {}, "no column has a name for the final loss; say which: --loss NAME; it is in nats per token,"),
        ("x,tokens,loss", {}, "--params NAME"),
        ("params,x,loss", {}, "--tokens NAME"),
        ("train_loss,params,val_loss", {}, "--tokens NAME"),
        ("params,tokens,loss", {"loss": "lss"}, "--loss lss: there is no such column. Did you mean 'loss'?"),
        ("params,tokens,loss", {"tokens": "tokens", "flops": "loss"}, "not both"),
        ("params,params,loss", {}, "two columns are called 'params'"),
        ("params,tokens", {}, "row 1 has 3 cells"),
    ],
)
def test_columns_that_are_not_there(refusal, header, options, said):
    assert said in refusal(csv_of(RUNS, header), **options)


def test_two_candidates_ask_for_the_flag(refusal, read):
    text = csv_of([(*run, 2.0) for run in RUNS], "params,tokens,train_loss,val loss")
    assert "'train_loss' and 'val loss' may each be the final loss; say which: --loss train_loss" in refusal(text)
    assert read(text, loss="train_loss").observations.loss[0] == RUNS[0][2]


@pytest.mark.parametrize("bad", ["nan", "", "0", "-1.5", "inf", "n/a"])
def test_losses_that_have_no_logarithm_are_named_by_row(refusal, bad):
    runs = [(*run[:2], bad) if number in (2, 5) else run for number, run in enumerate(RUNS, start=1)]
    said = refusal(csv_of(runs))
    assert "'loss' is no number above 0 in rows 2 and 5" in said
    assert repr(bad) in said


def test_long_list_of_rows_is_cut_short(refusal):
    assert "rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 6 more" in refusal(csv_of([(*run[:2], "nan") for run in RUNS * 2]))


def test_rows_that_are_there_twice_count_once(read):
    table = read(csv_of([*RUNS, RUNS[0], RUNS[3]]))
    assert (table.num_rows, len(table.observations)) == (11, 9)
    assert table.notes == ("Of runs that are there more than once, each counts once; not counted again: rows 10 and 11.",)


def test_same_run_with_two_losses_is_kept_and_named(read):
    table = read(csv_of([*RUNS, (*RUNS[1][:2], 3.5)]))
    assert len(table.observations) == 10
    assert table.notes == ("The same N and D with different losses, all kept: rows 2 and 10.",)


@pytest.mark.parametrize(
    ("params", "tokens", "said"),
    [
        (1, 1e-9, "--units tokens=1e9"),
        (1, 1e-6, "--units tokens=1e6"),
        (1e-6, 1, "--units params=1e6"),
        (1e-9, 1, "--units params=1e9"),
        (1e-6, 1e-9, "--units params=1e6,tokens=1e9"),
        (1, 1e6, "a unit seems to be off"),
    ],
)
def test_other_units_are_asked_about(refusal, params, tokens, said):
    text = csv_of([(run[0] * params, run[1] * tokens, run[2]) for run in RUNS])
    assert said in refusal(text)


def test_units_that_are_given_are_believed(read):
    text = csv_of([(run[0], run[1] * 1e6, run[2]) for run in RUNS])
    assert read(text, units="tokens=1").observations.tokens[0] == 5e13


def test_tokens_in_billions_fit_once_the_unit_is_given(read):
    text = csv_of([(run[0], run[1] / 1e9, run[2]) for run in RUNS])
    assert read(text, units="tokens=1e9").observations.tokens[0] == pytest.approx(5e7)


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([], "there are no runs in it"),
        (RUNS[:3], "There are 3 distinct runs; five coefficients need at least 6."),
        ([(1e8, 1e9 * number, 3 / number) for number in range(1, 9)], "There is 1 model size"),
        ([(1e8 * number, 1e9, 3 / number) for number in range(1, 9)], "There is 1 token count"),
        ([(1e8 * number, 2e9 * number, 3 / number) for number in range(1, 9)], "Every run has the same tokens per parameter (20)"),
    ],
)
def test_runs_that_identify_nothing(refusal, runs, said):
    assert said in refusal(csv_of(runs))


def test_no_run_within_the_ratio(refusal):
    assert "no runs are left" in refusal(csv_of(RUNS), max_tokens_per_parameter=0.5)


def test_perplexity_is_asked_about(read):
    table = read(csv_of([(*run[:2], math.exp(run[2])) for run in RUNS]))
    assert "is it a perplexity?" in table.notes[0]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("runs.xlsx", b"", "tables of runs are read from .csv"),
        ("runs.csv", b"\xff\xfe\x00", "not text in UTF-8"),
        ("runs.jsonl", b"{", "line 1 is no JSON"),
        ("runs.jsonl", b"[1]", "line 1 is no JSON object"),
        ("runs.json", b"{", "no JSON"),
        ("runs.json", b"[1]", "a list of objects"),
        ("runs.csv", b"", "no runs in it"),
    ],
)
def test_files_that_hold_no_table(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ScalecheckError, match=f".*{name}: .*{said}"):
        read_runs(tmp_path / name, Columns(), {})


def test_missing_file(tmp_path):
    with pytest.raises(ScalecheckError, match="there is no such file"):
        read_runs(tmp_path / "runs.csv", Columns(), {})


def test_parquet_without_pyarrow_says_what_to_install(read, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ScalecheckError, match="pip install pyarrow"):
        read("PAR1", name="runs.parquet")


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    columns = dict(zip(("params", "tokens", "loss"), map(list, zip(*RUNS, strict=True)), strict=True))
    importlib.import_module("pyarrow.parquet").write_table(pyarrow.table(columns), tmp_path / "runs.parquet")
    assert list(read_runs(tmp_path / "runs.parquet", Columns(), {}).observations.loss) == columns["loss"]


@pytest.mark.parametrize("text", ["token=1e9", "tokens", "tokens=", "tokens=0", "tokens=x", "", "params=1e6,", "loss=2"])
def test_units_that_are_none(text):
    with pytest.raises(ScalecheckError, match="--units"):
        parse_units(text)


def test_units():
    assert parse_units("params=1e6, tokens=1e9") == {"params": 1e6, "tokens": 1e9}
    assert parse_units(None) == {}


def test_separators_of_thousands_are_read(read):
    plain = read(csv_of(RUNS)).observations
    split = read(csv_of([(f'"{int(params):,}"', f'"{int(tokens):,}"', loss) for params, tokens, loss in RUNS])).observations
    assert split.params.tolist() == plain.params.tolist()
    assert split.tokens.tolist() == plain.tokens.tolist()


def test_decimal_comma_is_named(refusal):
    said = refusal(csv_of(RUNS).replace(",", ";").replace(".", ","))
    assert "with a decimal point" in said
    assert "did not train" not in said


def test_single_rows_in_another_unit_are_named(read, refusal):
    mixed = [(params, tokens / 1e9 if row < 2 else tokens, loss) for row, (params, tokens, loss) in enumerate(RUNS)]
    assert "rows 1 and 2 may be in another unit than the other rows" in refusal(csv_of(mixed))
    assert len(read(csv_of(mixed), units="tokens=1").observations) == len(RUNS)


def test_nested_keys_are_columns(read):
    records = [{"config": {"model": {"params": params}}, "tokens": tokens, "summary": {"loss": loss}} for params, tokens, loss in RUNS]
    used = {"params": "config.model.params", "tokens": "tokens", "loss": "summary.loss"}
    assert read("\n".join(json.dumps(record) for record in records), name="runs.jsonl").used == used
    assert read(json.dumps(records), name="runs.json").used == used


def test_loss_that_rises_with_compute_is_asked_about(read):
    rising = [(params, tokens, 0.03 * math.log(params * tokens)) for params, tokens, _ in RUNS]
    assert read(csv_of(rising)).notes == ("The loss rises with compute, where a law has it fall; is it an accuracy?",)
    assert read(csv_of(RUNS)).notes == ()
