"""Finding a script's entry into Hydra from its text, in the spellings of public repos; and that nothing is imported or guessed."""

from __future__ import annotations

from textwrap import dedent

import pytest

from scalecheck.errors import ScalecheckError
from scalecheck.hydra_script import UNKNOWN, UNSPECIFIED, find_app

MAIN_GUARD = '\nif __name__ == "__main__":\n    main()\n'


@pytest.fixture
def find(tmp_path):
    def found(text: str):
        script = tmp_path / "train.py"
        script.write_text(dedent(text))
        return find_app(script)

    return found


SPELLINGS = {
    "decorator": """
        import hydra
        @hydra.main(version_base="1.3", config_path="conf", config_name="train")
        def main(cfg): ...
        """,
    "hydra has another name": """
        import hydra as H
        @H.main(version_base="1.3", config_path="./conf/", config_name="train.yaml")
        def main(cfg): ...
        """,
    "main is imported": """
        from hydra import main as hydra_main
        @hydra_main(version_base="1.3", config_path="conf", config_name="train")
        def main(cfg): ...
        """,
    "a submodule of hydra is imported": """
        import hydra.utils
        @hydra.main(version_base="1.3", config_path="conf", config_name="train")
        def main(cfg): ...
        """,
    "by position": """
        import hydra
        @hydra.main("conf", "train", "1.3")
        def main(cfg): ...
        """,
    "constants of the module": """
        import hydra
        CONF: str = "conf"
        NAME = "tr" + "ain"
        @hydra.main(version_base="1.3", config_path=CONF, config_name=NAME)
        def main(cfg): ...
        """,
    "a mapping of arguments": """
        import hydra
        _HYDRA_PARAMS = {"version_base": "1.3", "config_path": "conf", "config_name": "train.yaml"}
        @hydra.main(**_HYDRA_PARAMS)
        def main(cfg): ...
        """,
    "dict(...) of arguments": """
        import hydra
        @hydra.main(**dict(version_base="1.3", config_path="conf"), config_name="train")
        def main(cfg): ...
        """,
    "called around a function": """
        import hydra
        def main(cfg): ...
        if __name__ == "__main__":
            hydra.main(config_path="conf", config_name="train", version_base="1.3")(main)()
        """,
    "called in two steps": """
        import hydra
        def main(cfg): ...
        if __name__ == "__main__":
            wrapper = hydra.main(config_path="conf", config_name="train", version_base="1.3")
            wrapper(main)()
        """,
    "inside a function": """
        def start():
            import hydra
            @hydra.main(config_path="conf", config_name="train", version_base="1.3")
            def main(cfg): ...
            main()
        """,
    "a path from __file__": """
        import hydra
        from pathlib import Path
        ROOT = Path(__file__).resolve().parents[0]
        @hydra.main(config_path=str(ROOT / "conf"), config_name="train", version_base="1.3")
        def main(cfg): ...
        """,
    "os.path from __file__": """
        import hydra, os
        @hydra.main(os.path.join(os.path.dirname(os.path.abspath(__file__)), "conf"), "train", "1.3")
        def main(cfg): ...
        """,
    "hydra_zen": """
        from hydra_zen import store, zen
        def task(model): ...
        if __name__ == "__main__":
            zen(task).hydra_main(config_path="conf", config_name="train", version_base="1.3")
        """,
    "hydra_zen in two steps": """
        import hydra_zen
        def task(model): ...
        run = hydra_zen.zen(task, pre_call=[])
        run.hydra_main(config_path="conf", config_name="train", version_base="1.3")
        """,
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_tells_the_directory_the_name_and_the_version(find, tmp_path, text):
    app = find(text)
    assert (app.config_dir, app.config_name, app.version_base) == (tmp_path / "conf", "train", "1.3")
    assert app.dynamic == ()


def test_hydra_runner_of_nemo_looks_beside_the_script_and_has_no_version_base(find, tmp_path):
    app = find("from nemo.core.config import hydra_runner\n@hydra_runner(config_path='conf', config_name='train')\ndef main(cfg): ...\n")
    assert (app.kind, app.config_dir, app.config_name, app.version_base) == ("nemo", tmp_path / "conf", "train", UNSPECIFIED)
    assert find("from nemo.core.config import hydra_runner\n@hydra_runner(config_name='x')\ndef main(cfg): ...\n").config_dir == tmp_path


def test_hydra_runner_that_the_script_defines_itself_is_no_entry(find):
    assert find("def hydra_runner(**k): ...\n@hydra_runner(config_path='conf')\ndef main(cfg): ...\n") is None


def test_launch_of_hydra_zen_has_its_config_in_python(find):
    app = find("from hydra_zen import launch\nlaunch(Config, task, overrides=['a=1'], version_base='1.3')\n")
    assert (app.kind, app.config_dir, app.version_base, app.dynamic) == ("launch", None, "1.3", ("config=Config",))


DYNAMIC = {
    "a path of another module": ("from paths import ROOT\n@hydra.main(config_path=str(ROOT / 'conf'))", "config_path=str(ROOT / 'conf')"),
    "the environment": ("import os\n@hydra.main(config_path=os.environ['CONF'])", "config_path=os.environ['CONF']"),
    "the working directory": (
        "from pathlib import Path\n@hydra.main(config_path=str(Path.cwd() / 'conf'))",
        "config_path=str(Path.cwd() / 'conf')",
    ),
    "a package": ("@hydra.main(config_path='pkg://app.conf')", "config_path=pkg://app.conf"),
    "assigned twice": ("C = 'a'\nC = 'b'\n@hydra.main(config_path=C)", "config_path=C"),
    "made from itself": ("C = C + 'b'\n@hydra.main(config_path=C)", "config_path=C"),
    "a call that returns them all": ("@hydra.main(**arguments())", "**arguments()"),
    "an f-string": ("import sys\n@hydra.main(config_path=f'conf/{sys.argv[1]}')", "config_path=f'conf/{sys.argv[1]}'"),
}


@pytest.mark.parametrize(("text", "said"), DYNAMIC.values(), ids=DYNAMIC)
def test_what_the_text_does_not_tell_is_named_and_not_guessed(find, text, said):
    app = find(f"import hydra\n{text}\ndef main(cfg): ...\n")
    assert app.config_dir is None
    assert app.dynamic == (said,)


def test_directory_of_a_task_function_from_another_module_is_not_guessed(find):
    app = find("import hydra\nfrom src.train import train\nhydra.main(config_path='conf', config_name='c')(train)()\n")
    assert app.config_dir is None
    assert app.dynamic == ("config_path='conf' beside the file that defines train",)


def test_version_base_that_is_missing_none_or_dynamic(find):
    def base(argument: str):
        return find(f"import hydra\nfrom settings import V\n@hydra.main({argument})\ndef main(cfg): ...\n").version_base

    assert base("config_path='conf'") is UNSPECIFIED
    assert base("version_base=None") is None
    assert base("version_base=V") is UNKNOWN


def test_execution_whitelist_is_read(find):
    def listed(argument: str):
        return find(f"import hydra\n@hydra.main({argument})\ndef main(cfg): ...\n").execution_whitelist

    assert listed("config_path='conf'") is None
    assert listed("execution_whitelist=['app.*', 'scalecheck.*']") == ("app.*", "scalecheck.*")
    assert listed("execution_whitelist='app.*'") == ("app.*",)
    assert listed("execution_whitelist=[]") == ()


def test_no_entry_where_hydra_is_only_composed_or_commented_out(find):
    assert find("import hydra\nhydra.compose('train')\n# @hydra.main(config_path='conf')\n") is None


def test_main_of_another_object_is_no_entry(find):
    assert find("import app\n@app.main(config_path='conf')\ndef main(cfg): ...\n") is None


def test_of_two_entries_the_one_that_the_script_starts(find):
    first = "@hydra.main(config_path='a', config_name='x')\ndef other(cfg): ...\n"
    second = "@hydra.main(config_path='b', config_name='y')\ndef main(cfg): ...\n"
    app = find(f"import hydra\n{first}{second}{MAIN_GUARD}")
    assert (app.config_name, app.line, app.others) == ("y", 4, (2,))


def test_lines_that_pass_a_config_are_found(find):
    app = find("import hydra\n@hydra.main(config_path='a')\ndef main(cfg): ...\nmain()\nmain(cfg)\n")
    assert app.passed == (5,)


def test_script_is_never_imported(find):
    assert find("raise SystemExit('ran')\nimport hydra\n@hydra.main(config_path='conf')\ndef main(cfg): ...\n").line == 3


def test_script_behind_a_link_looks_beside_the_link_as_hydra_does(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("import hydra\n@hydra.main(config_path='conf')\ndef main(cfg): ...\n")
    (tmp_path / "train.py").symlink_to(tmp_path / "src" / "train.py")
    assert find_app(tmp_path / "train.py").config_dir == tmp_path / "conf"


@pytest.mark.parametrize("raw", [b"def (:\n", b"x = 'a\x00'\n", b"# coding: nonsense\n"])
def test_script_that_is_no_python_is_said_in_a_sentence(tmp_path, raw):
    (tmp_path / "train.py").write_bytes(raw)
    with pytest.raises(ScalecheckError, match=r"train\.py.* no Python"):
        find_app(tmp_path / "train.py")


def test_missing_script_is_said_in_a_sentence(tmp_path):
    with pytest.raises(ScalecheckError, match="cannot be read"):
        find_app(tmp_path / "none.py")
