"""``scalecheck fit``: a law from a table of runs, what it says of itself, and nothing written where there is none."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
import yaml

from scalecheck.cli import main
from scalecheck.law_file import read_law

SARDANA = str(Path(__file__).parents[1] / "data" / "sardana.csv")
FEW = ("--resamples", "20")


@pytest.fixture
def fit(tmp_path, capsys, monkeypatch):
    """``fit(*arguments)`` runs the command in an empty directory: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def fitted(*arguments):
        code = main(["fit", *arguments])
        return (code, *capsys.readouterr())

    return fitted


def synthetic(path, *, tokens_unit=1.0, budgets=()):
    """Write noise-free runs of E 1.7, A 400, B 410, alpha 0.34, beta 0.28."""
    runs = [(size, size * ratio) for size in (2e7, 6e7, 2e8, 6e8, 2e9) for ratio in (4, 15, 60, 250)]
    runs += [
        (size, budget / 6 / size) for budget in budgets for size in [(budget / 120) ** 0.5 * factor for factor in (0.5, 0.7, 1, 1.4, 2)]
    ]
    lines = [f"{n!r},{d / tokens_unit!r},{1.7 + 400 / n**0.34 + 410 / d**0.28!r}" for n, d in runs]
    path.write_text("\n".join(["params,tokens,loss", *lines, ""]))
    return str(path)


def test_sardana_end_to_end(fit):
    code, out, err = fit(SARDANA, "--out", "conf/scalecheck/law/mine.yaml", *FEW)
    assert (code, err) == (0, "")
    law = read_law(Path("conf/scalecheck/law/mine.yaml"))
    assert (law.name, law.params_convention) == ("mine", "total")
    assert (law.alpha, law.beta) == pytest.approx((0.1788, 0.2316), abs=1e-4)
    assert law.fitted_range.params == (151e6, 6.05e9)
    assert law.fitted_range.tokens_per_parameter == (10, 10_000)
    assert law.log_covariance is not None
    assert "The runs do not identify alpha and beta." in law.note
    for words in (
        "fitted to 47 of 47 runs",
        "tokens from 'Tokens'",
        "95 % interval",
        "1,000x beyond the runs",
        "Approach 2:",
        "Held out: fitted on",
    ):
        assert words in out
    assert "The runs do not identify alpha and beta." in out
    assert "\n  hydra.callbacks.scalecheck.law=conf/scalecheck/law/mine.yaml\n" in out


@pytest.mark.parametrize(
    ("most", "published", "tolerance"),
    [
        ("100", {"alpha": 0.08, "beta": 0.13, "A": 7.199, "B": 25.97, "E": 0.17}, 0.17),
        ("250", {"alpha": 0.13, "beta": 0.16, "A": 14.23, "B": 39.54, "E": 0.98}, 0.06),
        ("10000", {"alpha": 0.18, "beta": 0.24, "A": 33.66, "B": 138.9, "E": 1.45}, 0.06),
    ],
)
def test_published_cuts_of_sardana(fit, most, published, tolerance):
    """Sardana et al. 2023, arXiv 2401.00448, Table 1."""
    code, out, _ = fit(SARDANA, "--max-tokens-per-parameter", most, "--format", "json", *FEW)
    found = json.loads(out)
    assert code == 0
    assert {name: found[name] for name in published} == {name: pytest.approx(value, rel=tolerance) for name, value in published.items()}
    assert found["written"] is None


def test_coefficients_that_made_the_losses_come_back(fit, tmp_path):
    code, out, _ = fit(synthetic(tmp_path / "runs.csv"), "--format", "json", *FEW)
    found = json.loads(out)
    assert code == 0
    assert [found[name] for name in ("E", "A", "B", "alpha", "beta")] == pytest.approx([1.7, 400, 410, 0.34, 0.28], rel=1e-4)
    assert found["identified"] is True
    assert found["held_out"]["max_relative_error"] < 1e-4
    assert found["intervals_95"]["alpha"] == pytest.approx([0.34, 0.34], rel=1e-4)
    assert found["optimal"][-1]["beyond"] == pytest.approx(1000)


def test_isoflop_budgets_give_a_second_opinion(fit, tmp_path):
    _, out, _ = fit(synthetic(tmp_path / "runs.csv", budgets=(1e18, 1e19, 1e20)), *FEW)
    assert "approach 2" in out
    assert "Approach 2 (parabolas at 3 budgets): N* ~ C^0.4" in out


def test_json_is_what_the_law_file_records(fit):
    _, out, _ = fit(SARDANA, "--out", "mine.yaml", "--format", "json", *FEW)
    found, recorded = json.loads(out), yaml.safe_load(Path("mine.yaml").read_text())
    assert found["written"] == "mine.yaml"
    assert {key: found[key] for key in recorded["fit"]} == recorded["fit"]
    assert {key: found[key] for key in ("E", "A", "B", "alpha", "beta")} == {key: recorded[key] for key in ("E", "A", "B", "alpha", "beta")}


def test_same_seed_same_file_and_another_seed_other_resamples(fit):
    texts, covariances = [], []
    for seed in ("7", "7", "8"):
        fit(SARDANA, "--out", "mine.yaml", "--seed", seed, *FEW)
        texts.append(Path("mine.yaml").read_text())
        covariances.append(read_law(Path("mine.yaml")).log_covariance)
    assert texts[0] == texts[1]
    assert covariances[1] != covariances[2]


def test_name_is_that_of_the_file_or_the_given_one(fit):
    fit(SARDANA, "--out", "ours.yaml", "--params-convention", "active", *FEW)
    assert read_law(Path("ours.yaml")).name == "ours"
    assert read_law(Path("ours.yaml")).params_convention == "active"
    fit(SARDANA, "--out", "ours.yaml", "--name", "team-2026", *FEW)
    assert read_law(Path("ours.yaml")).name == "team-2026"


def test_notes_are_shown(fit):
    _, out, _ = fit(SARDANA, "--max-tokens-per-parameter", "500", *FEW)
    assert "note: 43 of 47 runs have at most 500 tokens per parameter; the others are left out.\n" in out
    assert "The law was not written" in out


def test_tokens_in_billions(fit, tmp_path):
    runs = synthetic(tmp_path / "runs.csv", tokens_unit=1e9)
    code, out, err = fit(runs, "--out", "mine.yaml", *FEW)
    assert (code, out) == (2, "")
    assert "--units tokens=1e9" in err
    assert not Path("mine.yaml").exists()
    assert fit(runs, "--out", "mine.yaml", "--units", "tokens=1e9", *FEW)[0] == 0
    assert read_law(Path("mine.yaml")).beta == pytest.approx(0.28, rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("missing.csv",), "missing.csv: there is no such file"),
        ((SARDANA, "--units", "token=1e9"), "--units token=1e9"),
        ((SARDANA, "--loss", "lss"), "--loss lss"),
        ((SARDANA, "--format", "jsn"), "--format jsn: it must be one of terminal, json. Did you mean 'json'?"),
        ((SARDANA, "--params-convention", "totl"), "Did you mean 'total'?"),
        ((SARDANA, "--resamples", "3"), "--resamples 3: it needs a whole number from 20"),
        ((SARDANA, "--resamples", "many"), "--resamples many"),
        ((SARDANA, "--seed", "-1"), "--seed"),
        ((SARDANA, "--max-tokens-per-parameter", "0"), "--max-tokens-per-parameter 0"),
        ((SARDANA, "--max-tokens-per-parameter", "5"), "no runs are left"),
        ((SARDANA, "--name", "besiroglu2024"), "a shipped law is called so"),
        ((SARDANA, "--name", "a b"), "--name a b"),
        ((SARDANA, "--out", "mine.txt"), "end the name in .yaml"),
        ((SARDANA, "--out", "notes.yaml"), "the file is there and holds no law that can be read, so it is left alone; --force"),
        ((SARDANA, "--out", "notes.yaml/mine.yaml"), "nothing can be written"),
        (("folder",), "no scalecheck.json is in it or below"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(fit, arguments, said):
    Path("notes.yaml").write_text("a: 1\n")
    Path("folder").mkdir()
    code, out, err = fit(*(arguments if "--out" in arguments else (*arguments, "--out", "mine.yaml")))
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
    assert sorted(path.name for path in Path().iterdir()) == ["folder", "notes.yaml"]
    assert Path("notes.yaml").read_text() == "a: 1\n"


def test_force_replaces_what_is_no_law(fit):
    Path("notes.yaml").write_text("a: 1\n")
    assert fit(SARDANA, "--out", "notes.yaml", "--force", *FEW)[0] == 0
    assert read_law(Path("notes.yaml")).name == "notes"


def test_progress_is_drawn_on_a_terminal_only(fit, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    assert fit(SARDANA, *FEW)[2] == ""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    fit(SARDANA, *FEW)
    assert "bootstrap [" in terminal.getvalue()
    assert terminal.getvalue().endswith("\033[K"), "the bar is gone when the work is done"


def test_loss_that_does_not_fall_gets_no_advice(fit, tmp_path):
    path = tmp_path / "runs.csv"
    lines = synthetic(path) and [line.rsplit(",", 1)[0] + ",3.0" for line in path.read_text().splitlines()[1:]]
    path.write_text("\n".join(["params,tokens,loss", *lines, ""]))
    code, out, _ = fit(str(path), *FEW)
    assert code == 0
    assert "No N* and D* are given" in out
    assert "D*/N*" not in out
    assert json.loads(fit(str(path), *FEW, "--format", "json")[1])["optimal"] == []


def test_interrupted_fit_writes_nothing(fit, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("scalecheck.own_fit.bootstrap", lambda *_, **__: interrupted())
    code, out, err = fit(synthetic(tmp_path / "runs.csv"), "--out", "conf/mine.yaml", *FEW)
    assert (code, out) == (130, "")
    assert "interrupted; nothing was written" in err
    assert not Path("conf").exists()


def test_long_work_is_announced_on_standard_error_alone(fit, tmp_path, monkeypatch):
    path = synthetic(tmp_path / "runs.csv")
    monkeypatch.setattr("scalecheck.commands.fit._LONG", 399)
    code, out, err = fit(path, *FEW, "--format", "json")
    assert (code, json.loads(out)["rows_fitted"]) == (0, 20)
    assert "20 runs and 20 resamples take minutes or more" in err
    monkeypatch.setattr("scalecheck.commands.fit._LONG", 400)
    assert fit(path, *FEW)[2] == ""
