"""``scalecheck init``: a policy file that composes as it is, and that makes the check work once it is filled in."""

from __future__ import annotations

import os
import re
import stat

import pytest
import yaml

from scalecheck import cli

ODD = {
    "conf/train.yaml": """
        defaults: [net: small, _self_]
        how_long: {updates: 84, warmup_steps: 10}
        feed: {rows: 32, ctx: 1024}
        """,
    "conf/net/small.yaml": "{depth: 2, width: 64, vocab: 512, heads: 2}",
}
HERE = ("--config-dir", "conf", "--config-name", "train")
FILE = "conf/scalecheck/ours.yaml"


@pytest.fixture
def odd(app):
    """A real app whose config no dialect recognises, and that has no line of ours."""
    app.write(ODD)
    return app


@pytest.fixture
def local(odd, monkeypatch, capsys):
    """``local(*arguments)`` is (exit code, stdout, stderr) of ``scalecheck init`` in the repo, in this process."""
    monkeypatch.chdir(odd.root)

    def run(*arguments):
        code = cli.main(["init", *arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out, said.err

    return run


def filled(path, **values):
    """Write values behind the empty lines of the file, as a person would."""
    text = path.read_text()
    for name, value in values.items():
        text, count = re.subn(rf"^( *){name}:  #.*$", rf"\g<1>{name}: {value}", text, flags=re.MULTILINE)
        assert count == 1, name
    path.write_text(text)


def test_file_is_printed_and_nothing_written(odd):
    before = sorted(odd.root.rglob("*"))
    done = odd.cli("init", *HERE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# @package _global_\n")
    assert "# num_steps: how_long.updates  # 84, conf/train.yaml:2" in done.stdout
    assert "# num_layers: net.depth  # 2, conf/net/small.yaml:1" in done.stdout
    assert sorted(odd.root.rglob("*")) == before


def test_file_composes_as_it_is_and_changes_nothing(odd):
    before = odd.cli("check", *HERE, "+scalecheck=default")
    assert odd.cli("init", *HERE, "--output", FILE).returncode == 0
    after = odd.cli("check", *HERE, "+scalecheck=ours")
    assert (after.returncode, after.stdout) == (before.returncode, before.stdout)


def test_filling_in_its_lines_makes_the_check_work(odd):
    done = odd.cli("init", *HERE, "--output", FILE)
    assert "+scalecheck=ours" in done.stderr
    filled(odd.root / FILE, total_params="165k", num_steps="how_long.updates", sequences_per_step="feed.rows", sequence_length="feed.ctx")
    checked = odd.cli("check", *HERE, "+scalecheck=ours", "--fail-level", "warning")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.startswith("scalecheck: pass: N 165.0K params, D 2.75M tokens")


@pytest.mark.extended
def test_family_and_sizes_in_place_of_a_figure_make_it_work_too(odd):
    odd.cli("init", *HERE, "--output", FILE)
    path = odd.root / FILE
    path.write_text(re.sub(r"# (num_layers|hidden_size|num_attention_heads|vocab_size|max_positions):", r"\1:", path.read_text()))
    path.write_text(path.read_text().replace("# family: llama", "family: gpt2"))
    filled(path, num_steps="how_long.updates", sequences_per_step="feed.rows", sequence_length="feed.ctx")
    checked = odd.cli("check", *HERE, "+scalecheck=ours")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "N unknown" not in checked.stdout
    assert "D 2.75M tokens" in checked.stdout


def test_launch_uses_the_file_from_the_defaults_list(odd):
    odd.cli("init", *HERE, "--output", FILE)
    filled(odd.root / FILE, total_params="165k", num_steps="how_long.updates", sequences_per_step="feed.rows", sequence_length="feed.ctx")
    odd.write({"conf/train.yaml": ODD["conf/train.yaml"].replace("_self_]", "_self_, scalecheck: ours]")})
    done = odd.run()
    assert done.returncode == 0, done.stderr
    assert "scalecheck: pass: N 165.0K params" in done.stderr
    assert odd.trained == 1


def test_overrides_are_composed(local):
    _, out, _ = local(*HERE, "how_long.updates=90")
    assert "# num_steps: how_long.updates  # 90, override how_long.updates=90" in out


def test_mapping_and_policy_of_before_are_kept(local, odd):
    odd.write(
        {FILE: "# @package _global_\ndefaults: [strict, _self_]\nhydra: {callbacks: {scalecheck: {read: {num_steps: how_long.updates}}}}"}
    )
    code, out, _ = local(*HERE, "+scalecheck=ours")
    assert code == 0
    assert "num_steps: how_long.updates  # as the policy says already" in out
    _, strict, _ = local(*HERE, "+scalecheck=strict")
    assert yaml.safe_load(strict)["defaults"] == ["strict", "_self_"]


def test_file_that_is_there_is_not_replaced_unless_forced(local, odd):
    odd.write({FILE: "mine\n"})
    code, out, err = local(*HERE, "--output", FILE)
    assert (code, out) == (2, "")
    assert err == f"scalecheck: error: {FILE} is there already and is not replaced; --force does that.\n"
    assert (odd.root / FILE).read_text() == "mine\n"
    assert local(*HERE, "--output", FILE, "--force")[0] == 0
    assert (odd.root / FILE).read_text().startswith("# @package _global_\n")


def test_file_that_appears_meanwhile_is_not_replaced(odd, monkeypatch, local):
    from scalecheck.commands import init

    def slow(_):
        odd.write({FILE: "mine\n"})
        return "text\n"

    monkeypatch.setattr(init, "_text", slow)
    code, _, err = local(*HERE, "--output", FILE)
    assert (code, "is there already" in err) == (2, True)
    assert (odd.root / FILE).read_text() == "mine\n"
    assert [path.name for path in (odd.root / "conf" / "scalecheck").iterdir()] == ["ours.yaml"]


def test_file_is_as_readable_as_any_other_and_nothing_is_left_beside_it(local, odd):
    local(*HERE, "--output", FILE)
    odd.write({"other": ""})
    modes = [stat.S_IMODE((odd.root / name).stat().st_mode) for name in (FILE, "other")]
    assert modes[0] == modes[1]
    assert [path.name for path in (odd.root / "conf" / "scalecheck").iterdir()] == ["ours.yaml"]


def test_file_system_without_links_gets_the_file_too(local, odd, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert local(*HERE, "--output", FILE)[0] == 0
    assert (odd.root / FILE).read_text().startswith("# @package _global_\n")
    assert local(*HERE, "--output", FILE)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--config-dir", "nowhere"), "nowhere"),
        ((*HERE, "net=large"), "large"),
        ((*HERE, "--output", "conf"), "is there already"),
        ((*HERE, "--output", "conf/train.yaml/x.yaml"), "cannot write conf/train.yaml/x.yaml"),
        ((*HERE, "--output", "conf", "--force"), "cannot write conf"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(local, arguments, said):
    code, out, err = local(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("scalecheck: error: ")
    assert said in err
    assert err.count("\n") == 1


def test_repo_without_hydra_gets_a_file_for_its_list_of_files(local, odd):
    odd.write({"base.yaml": "how_long: 84\nrows: 32\nctx: 1024\nnet: {depth: 2}\n"})
    code, out, _ = local("--config", "base.yaml")
    assert code == 0
    assert "@package" not in out
    code, _, err = local("--config", "base.yaml", "--output", "ours.yaml")
    assert (code, "--config ours.yaml" in err) == (0, True)
    filled(odd.root / "ours.yaml", total_params="165k", num_steps="how_long", sequences_per_step="rows", sequence_length="ctx")
    checked = odd.cli("check", "--config", "base.yaml", "--config", "ours.yaml")
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.startswith("scalecheck: pass: N 165.0K params, D 2.75M tokens")
