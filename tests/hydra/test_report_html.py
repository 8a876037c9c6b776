"""``report: html``: a page beside scalecheck.json or in a sweep's directory, drawn by another process, which no launch waits for."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from pathlib import Path

import pytest

HTML = "hydra.callbacks.scalecheck.report=html"
STRICT = "scalecheck=strict"
LIBRARIES = {"matplotlib", "jinja2", "rich", "plotext", "numpy"}
PATIENCE_S = 60
ONE_DIRECTORY = ("hydra.run.dir=out", "hydra.sweep.dir=out")
BLOCKED = """
    import sys
    sys.modules["matplotlib"] = None
    """
BROKEN = """
    # The page cannot be drawn by the process that draws, whose name is another than that of the training.
    import sys
    if "scalecheck.launch_report" in sys.orig_argv:
        from scalecheck import page
        def broken(report):
            raise ZeroDivisionError("of a picture")
        page.html_of_report = broken
    """
WATCHED = """
import os, time
from pathlib import Path
import hydra

@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg):
    time.sleep(cfg.seed)
    print("CHILDREN", Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def drawn(app):
    """``drawn(*paths)`` waits until the processes that draw have left these files, and returns the texts of those."""
    for name in ("matplotlib", "jinja2"):
        pytest.importorskip(name)

    def wait(*paths: str) -> list[str]:
        files = [app.root / path for path in paths]
        until = time.monotonic() + PATIENCE_S
        while not all(file.exists() for file in files) and time.monotonic() < until:
            time.sleep(0.1)
        assert [file.name for file in files if not file.exists()] == [], sorted(map(str, app.root.rglob("*.html*")))
        return [file.read_text() for file in files]

    return wait


def drawing(root: Path) -> list[int]:
    """Return the processes that draw into a directory below ``root``."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:  # it has just ended
                continue
            if b"scalecheck.launch_report" in words and any(os.fsencode(root) in word for word in words):
                found.append(int(process.name))
    return found


def ended(root: Path) -> None:
    """Wait until nothing draws any more."""
    until = time.monotonic() + PATIENCE_S
    while drawing(root) and time.monotonic() < until:
        time.sleep(0.1)
    assert drawing(root) == []


def pages(root: Path) -> list[str]:
    ended(root)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.html*"))


# --- a run


def test_a_run_gets_a_page_beside_its_report(app, drawn):
    done = app.run(HTML, *ONE_DIRECTORY)
    assert done.returncode == 0, done.stderr
    assert app.trained == 1
    assert len(done.stderr.splitlines()) == 1, "a picture is no word at a launch"
    (page,) = drawn("out/report.html")
    assert "</html>" in page
    assert pages(app.root) == ["out/report.html"]
    assert app.cli("render", "out/scalecheck.json", "--output", "html:again.html").returncode == 0
    assert (app.root / "again.html").read_text() == page


def test_without_a_word_nothing_is_drawn(app):
    assert app.run(*ONE_DIRECTORY).returncode == 0
    assert drawing(app.root) == []
    assert pages(app.root) == []


@pytest.mark.extended
def test_a_job_that_changes_its_directory_has_the_page_there(app, drawn):
    assert app.run(HTML, *ONE_DIRECTORY, "hydra.job.chdir=true").returncode == 0
    drawn("out/report.html")
    assert pages(app.root) == ["out/report.html"]


@pytest.mark.extended
@pytest.mark.parametrize(
    "stopped", [(STRICT, "trainer.max_steps=5"), ("scalecheck=plan",), ("-m", "seed=1,2", STRICT, "trainer.max_steps=5")]
)
def test_what_does_not_start_leaves_nothing(app, stopped):
    assert app.run(*stopped, HTML).returncode in (0, 3)
    assert drawing(app.root) == []
    assert app.left_on_disk == set()


@pytest.mark.extended
def test_other_ranks_draw_nothing(app):
    assert app.run(HTML, *ONE_DIRECTORY, env={"RANK": "1", "WORLD_SIZE": "2"}).returncode == 0
    assert drawing(app.root) == []
    assert pages(app.root) == []


def test_the_launching_process_imports_no_plotting_library(app, drawn):
    done = app.spawn(sys.executable, "-X", "importtime", "train.py", HTML, *ONE_DIRECTORY)
    assert done.returncode == 0
    imported = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "scalecheck" in imported
    assert imported & LIBRARIES == set()
    drawn("out/report.html")


@pytest.mark.extended
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are told by Linux alone")
def test_the_process_that_draws_is_no_child_of_the_training_and_warns_of_nothing(app, drawn):
    app.write({"train.py": WATCHED})
    # With one that is never waited for, Python warns at the end of a run, and a longer run keeps a zombie.
    done = app.spawn(sys.executable, "-X", "dev", "-W", "error::ResourceWarning", "train.py", HTML, *ONE_DIRECTORY, "seed=2")
    assert done.returncode == 0, done.stderr
    assert "CHILDREN []" in done.stdout
    assert "ResourceWarning" not in done.stderr
    drawn("out/report.html")


# --- what is in the way


def blocking(app, site: str) -> dict[str, str]:
    app.write({"site/sitecustomize.py": site})
    return {"PYTHONPATH": str(app.root / "site")}


@pytest.mark.parametrize("arguments", [(), pytest.param(("-m", "seed=1,2"), marks=pytest.mark.extended)], ids=["run", "sweep"])
def test_without_the_library_one_sentence_says_what_to_install_and_the_launch_goes_on(app, arguments):
    done = app.run(*arguments, HTML, *ONE_DIRECTORY, env=blocking(app, BLOCKED))
    assert done.returncode == 0, done.stderr
    assert app.trained == 1 + bool(arguments)
    (line,) = [line for line in done.stderr.splitlines() if "report.html" in line]
    assert "pip install 'scalecheck[report]'" in line
    assert "Traceback" not in done.stderr
    assert pages(app.root) == []


@pytest.mark.extended
def test_a_page_that_cannot_be_drawn_leaves_a_line_that_the_next_page_takes_away(app, drawn):
    assert app.run(HTML, *ONE_DIRECTORY, env=blocking(app, BROKEN)).returncode == 0
    (line,) = drawn("out/report.html.log")
    assert line == "scalecheck: report.html is not drawn: internal error: ZeroDivisionError: of a picture\n"
    assert pages(app.root) == ["out/report.html.log"]
    assert app.run(HTML, *ONE_DIRECTORY).returncode == 0
    drawn("out/report.html")
    assert pages(app.root) == ["out/report.html"]


@pytest.mark.extended
def test_a_place_that_cannot_be_written_to_stops_nothing(app):
    """A directory stands where the page would: root may write anywhere else."""
    (app.root / "out" / "report.html").mkdir(parents=True)
    done = app.run(HTML, *ONE_DIRECTORY)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert pages(app.root) == ["out/report.html", "out/report.html.log"]
    assert "it is a directory" in (app.root / "out" / "report.html.log").read_text()
    assert list((app.root / "out").glob(".report*")) == []


@pytest.mark.extended
def test_without_room_for_temporary_files_a_line_says_so_and_the_sweep_goes_on(app):
    site = "import tempfile\ndef refuse(*a, **k): raise FileNotFoundError(2, 'no place for temporary files')\ntempfile.TemporaryFile = refuse\n"
    done = app.run("-m", "seed=1,2", HTML, *ONE_DIRECTORY, env=blocking(app, site))
    assert done.returncode == 0, done.stderr
    assert app.trained == 2
    (line,) = [line for line in done.stderr.splitlines() if "report.html" in line]
    assert "no place for temporary files; report.html is not drawn; the launch goes on" in line
    assert pages(app.root) == []


def test_a_policy_with_another_word_stops_as_any_typo(app):
    done = app.run("hydra.callbacks.scalecheck.report=pdf")
    assert done.returncode == 3
    assert "hydra.callbacks.scalecheck.report is 'pdf'; it must be html or null." in done.stderr
    assert app.left_on_disk == set()


# --- a sweep


def test_a_sweep_gets_one_page_of_all_its_jobs(app, drawn):
    done = app.run("-m", "model=small,large", "seed=1,2", HTML)
    assert done.returncode == 0, done.stderr
    assert app.trained == 4
    (directory,) = app.root.glob("multirun/*/*")
    where = str(directory.relative_to(app.root))
    (page,) = drawn(f"{where}/report.html")
    assert all(words in page for words in ("model=large", "model=small", "seed=2"))
    assert pages(app.root) == [f"{where}/report.html"], "none for each job"


@pytest.mark.extended
def test_the_directory_of_a_sweep_is_told_from_where_it_was_typed(app, drawn):
    done = app.run("-m", "seed=1,2", HTML, "hydra.sweep.dir=a/${hydra.job.name}/${now:%f}", "hydra.job.chdir=true")
    assert done.returncode == 0, done.stderr
    (directory,) = app.root.glob("a/train/*")
    drawn(str(directory.relative_to(app.root) / "report.html"))


@pytest.mark.extended
def test_dropped_jobs_are_drawn_too(app, drawn):
    done = app.run("-m", "trainer.max_steps=84,5", STRICT, "hydra.callbacks.scalecheck.on_reject=drop", HTML, *ONE_DIRECTORY)
    assert done.returncode == 3, done.stderr
    assert app.trained == 1
    (page,) = drawn("out/report.html")
    assert "trainer.max_steps=5" in page
    assert pages(app.root) == ["out/report.html"]


@pytest.mark.extended
def test_workers_draw_nothing(app, drawn):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    done = app.run("-m", "seed=1,2", HTML, *ONE_DIRECTORY, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    assert done.returncode == 0, done.stderr
    assert app.trained == 2
    drawn("out/report.html")
    assert pages(app.root) == ["out/report.html"]


@pytest.mark.extended
def test_a_sweep_that_cannot_make_its_directory_makes_none_for_a_page(app):
    """Hydra fails after the check, so the process that draws finds no directory; it gives up, and is not waited for here."""
    (app.root / "full").write_text("a file")
    done = app.run("-m", "seed=1,2", HTML, "hydra.sweep.dir=full/below")
    assert done.returncode == 1
    assert "internal error" not in done.stderr
    for process in drawing(app.root):
        os.kill(process, 9)


@pytest.mark.extended
def test_of_a_sweep_of_thousands_a_sentence_says_how_to_draw_it(app):
    site = "import scalecheck.launch_report as reports\nreports.LARGEST_SWEEP = 1\n"
    done = app.run("-m", "seed=1,2", HTML, *ONE_DIRECTORY, env=blocking(app, site))
    assert done.returncode == 0, done.stderr
    assert app.trained == 2
    (line,) = [line for line in done.stderr.splitlines() if "report.html" in line]
    assert "the sweep has 2 jobs, and a launch has 1 drawn at most: scalecheck check -m ... --output html:report.html" in line
    assert pages(app.root) == []


# --- a sweep that chooses while it runs


@pytest.fixture
def study(app):
    """``study(*arguments)`` is one of four trials, two at once, of a task that returns a number."""
    if importlib.util.find_spec("hydra_plugins.hydra_optuna_sweeper") is None:
        pytest.skip("the optuna sweeper is not installed")
    app.write({"train.py": (app.root / "train.py").read_text().replace('print("TRAINED")', "return float(1 / (cfg.seed - 13))")})
    sizes = ("hydra.sweeper.sampler.seed=1", "hydra.sweeper.n_trials=4", "hydra.sweeper.n_jobs=2")

    def run(*arguments: str):
        return app.run("-m", "hydra/sweeper=optuna", *sizes, STRICT, HTML, *ONE_DIRECTORY, *arguments)

    return run


@pytest.mark.extended
def test_a_study_is_drawn_when_it_ends_with_all_its_trials(app, study, drawn):
    done = study("seed=range(1,9)")
    assert done.returncode == 0, done.stderr
    assert app.trained == 4
    (page,) = drawn("out/report.html")
    assert "4 jobs" in page
    assert pages(app.root) == ["out/report.html"]


@pytest.mark.extended
def test_a_study_that_a_later_batch_stops_is_drawn_up_to_there(app, study, drawn):
    budget = "hydra.callbacks.scalecheck.rules.over_budget.sweep.max_training_tokens=6e6"
    done = study("seed=range(1,9)", budget)
    assert done.returncode == 3, done.stderr
    assert app.trained == 2
    (page,) = drawn("out/report.html")
    assert "2 jobs" in page


@pytest.mark.extended
def test_a_study_that_fails_is_drawn_up_to_there(app, study, drawn):
    done = study("seed=choice(13)")
    assert done.returncode == 1, done.stderr
    assert "ZeroDivisionError" in done.stderr
    drawn("out/report.html")


@pytest.mark.extended
def test_a_study_whose_first_batch_is_stopped_leaves_nothing(app, study):
    done = study("seed=range(1,9)", "trainer.max_steps=choice(5)")
    assert done.returncode == 3, done.stderr
    assert drawing(app.root) == []
    assert app.left_on_disk == set()
    assert not (app.root / "out").exists()
