"""The file and line, or the override, of keys of configs that Hydra or OmegaConf composed."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest
from omegaconf import OmegaConf

from scalecheck import compose
from scalecheck.config_files import load_files
from scalecheck.facts import Origin
from scalecheck.locating import file_locator, locator, of_hydras_repository, of_light_repository

NESTED = {
    "conf/train.yaml": """
        defaults:
          - model: small
          - model/head@model.head: linear
          - data@corpus.train: web
          - data@corpus.eval: web
          - trainer: default
          - _self_
          - experiment: null
        seed: 1
        stages:
          - {steps: 10, lr: 1}
          - steps: ${trainer.max_steps}
            lr: 2
        length: ${corpus.train.max_length}
        """,
    "conf/model/small.yaml": """
        n_layer: 2
        n_embd: 64
        n_inner: ${multiply:4, ${.n_embd}}
        block_size: ${length}
        """,
    "conf/model/large.yaml": """
        defaults: [small, _self_]
        n_layer: 12
        """,
    "conf/model/head/linear.yaml": """
        width: ${..n_embd}
        """,
    "conf/data/web.yaml": """
        # where the text lies
        max_length: 1024
        """,
    "conf/trainer/default.yaml": """
        max_steps: 84
        devices: 1
        """,
    "conf/trainer/long.yaml": """
        # @package trainer
        max_steps: 8400
        devices: 8
        """,
    "conf/experiment/owt.yaml": """
        # @package _global_
        defaults:
          - override /model: large
          - override /trainer: long
        trainer:
          max_steps: 400000
        corpus:
          train: {max_length: 512}
        """,
}


@pytest.fixture
def origin_of(app, monkeypatch):
    """``origin_of(key, *overrides)`` is the origin of a key in the composed config, which is composed by Hydra itself."""
    app.write(NESTED)
    monkeypatch.chdir(app.root)

    def located(key, *overrides):
        with compose.hydra_at(app.root / "conf", "1.3"):
            config = compose.compose_main("train", overrides, multirun=False)
            light, slow = of_light_repository(config), of_hydras_repository(config)
            assert ([replace(layer, is_yaml=False) for layer in light[0]], light[1]) == slow
            return locator(config)(key)

    return located


@pytest.mark.parametrize(
    ("key", "overrides", "file", "line"),
    [
        ("seed", [], "conf/train.yaml", 9),
        ("model.n_layer", [], "conf/model/small.yaml", 1),
        ("model.n_layer", ["model=large"], "conf/model/large.yaml", 2),
        ("model.n_embd", ["model=large"], "conf/model/small.yaml", 2),
        ("model.head.width", [], "conf/model/head/linear.yaml", 1),
        ("corpus.train.max_length", [], "conf/data/web.yaml", 2),
        ("corpus.eval.max_length", ["experiment=owt"], "conf/data/web.yaml", 2),
        ("corpus.train.max_length", ["experiment=owt"], "conf/experiment/owt.yaml", 8),
        ("trainer.max_steps", ["experiment=owt"], "conf/experiment/owt.yaml", 6),
        ("trainer.devices", ["experiment=owt"], "conf/trainer/long.yaml", 3),
        ("model.n_layer", ["experiment=owt"], "conf/model/large.yaml", 2),
        ("model.n_layer", ["experiment=owt", "model=small"], "conf/model/small.yaml", 1),
        ("trainer.max_steps", ["trainer=long"], "conf/trainer/long.yaml", 2),
        ("trainer.max_steps", ["trainer={devices: 2}"], "conf/trainer/default.yaml", 1),
        ("trainer.max_steps", ["+trainer={note: max_steps}"], "conf/trainer/default.yaml", 1),
        ("trainer.max_steps", ["~trainer.devices"], "conf/trainer/default.yaml", 1),
        ("trainer.max_steps", ["+trainer@other=long"], "conf/trainer/default.yaml", 1),
        ("other.max_steps", ["+trainer@other=long"], "conf/trainer/long.yaml", 2),
        ("stages[0].steps", [], "conf/train.yaml", 11),
        ("stages.1.lr", [], "conf/train.yaml", 13),
    ],
)
def test_file_that_set_a_key_last(origin_of, key, overrides, file, line):
    found = origin_of(key, *overrides)
    assert (found.file, found.line, found.override) == (file, line, None)


@pytest.mark.parametrize(
    ("key", "overrides", "override"),
    [
        ("trainer.max_steps", ["trainer.max_steps=5", "experiment=owt"], "trainer.max_steps=5"),
        ("trainer.max_steps", ["trainer={max_steps: 5}"], "trainer={max_steps: 5}"),
        ("trainer.devices", ["trainer={devices: 2}", "trainer=long"], "trainer={devices: 2}"),
        ("trainer.extra", ["+trainer.extra=5"], "+trainer.extra=5"),
        ("trainer.devices", ["++trainer.devices=5"], "++trainer.devices=5"),
        ("trainer.max_steps", ["~trainer.max_steps"], "~trainer.max_steps"),
        ("trainer.max_steps", ["~trainer.max_steps", "+trainer.max_steps=7"], "+trainer.max_steps=7"),
        ("stages.1.lr", ["stages=[{lr: 1}, {lr: 3}]"], "stages=[{lr: 1}, {lr: 3}]"),
        ("stages[0].steps", ["stages.0.steps=20"], "stages.0.steps=20"),
        ("model.n_layer", ["model.n_layer=3", "model.n_layer=4"], "model.n_layer=4"),
    ],
)
def test_override_that_set_a_key(origin_of, key, overrides, override):
    assert origin_of(key, *overrides) == Origin(key=key, override=override)


@pytest.mark.parametrize(
    ("key", "overrides", "chain"),
    [
        ("model.n_inner", [], ("model.n_embd conf/model/small.yaml:2",)),
        ("model.head.width", ["model.n_embd=128"], ("model.n_embd override model.n_embd=128",)),
        (
            "model.block_size",
            ["experiment=owt"],
            ("length conf/train.yaml:14", "corpus.train.max_length conf/experiment/owt.yaml:8"),
        ),
        ("stages.1.steps", ["trainer=long"], ("trainer.max_steps conf/trainer/long.yaml:2",)),
        ("trainer.max_steps", ["trainer.max_steps=${stages.0.steps}"], ("stages.0.steps conf/train.yaml:11",)),
        ("trainer.max_steps", ["trainer.max_steps=${oc.env:STEPS,5}"], ("STEPS in the environment",)),
    ],
)
def test_chain_of_an_interpolation_without_running_its_resolver(origin_of, key, overrides, chain):
    """``multiply`` is registered nowhere."""
    assert origin_of(key, *overrides).chain == chain


STORE_APP = """
    import hydra, sys
    from dataclasses import dataclass
    from hydra.core.config_store import ConfigStore
    from scalecheck.locating import locator

    @dataclass
    class Model:
        n_layer: int = 4
        n_embd: int = 32

    ConfigStore.instance().store(group="model", name="stored", node=Model)
    ConfigStore.instance().store(name="extra", node={"trainer": {"max_steps": 7}})

    @hydra.main(version_base="1.3", config_path="conf", config_name="train")
    def main(cfg):
        pass

    from scalecheck import compose
    with compose.hydra_at(__import__("pathlib").Path("conf"), "1.3"):
        config = compose.compose_main("train", sys.argv[2:], multirun=False)
        found = locator(config)(sys.argv[1])
        print(found.file, found.line, found.override)
"""


def test_dataclass_of_the_config_store_is_not_blamed_on_a_file(app):
    app.write({"stored.py": STORE_APP})

    def told(*arguments):
        done = app.spawn(sys.executable, "stored.py", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    assert told("model.n_layer", "model=stored") == ["structured://model/stored", "None", "None"]
    assert told("model.n_layer", "model=stored", "model.n_layer=5") == ["None", "None", "model.n_layer=5"]
    app.write({"conf/train.yaml": "defaults: [{trainer: default}, _self_, extra]\nseed: 1\n"})
    assert told("trainer.max_steps") == ["structured://extra", "None", "None"]
    assert told("trainer.devices") == ["conf/trainer/default.yaml", "3", "None"]


def test_every_value_of_a_composed_config_stands_where_it_is_said_to_stand(app, origin_of):
    """The line of each leaf holds its last name and, where it is no interpolation, its value."""
    with compose.hydra_at(app.root / "conf", "1.3"):
        config = compose.compose_main("train", ["experiment=owt"], multirun=False)
        find = locator(config)
        leaves = _leaves(OmegaConf.to_container(config, resolve=False))
        assert len(leaves) >= 15
        for key, value in leaves.items():
            found = find(key)
            line = (app.root / found.file).read_text().splitlines()[found.line - 1]
            assert key.rpartition(".")[2] in line, key
            assert str(value) in line, key


def _leaves(node, key=""):
    if key == "hydra":
        return {}
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else None
    if pairs is None:
        return {key: node} if node is not None else {}
    return {name: leaf for child, value in pairs for name, leaf in _leaves(value, f"{key}.{child}".lstrip(".")).items()}


def test_nothing_of_the_search_path_is_left_keeps_the_key_alone(origin_of, app):
    with compose.hydra_at(app.root / "conf", "1.3"):
        find = locator(compose.compose_main("train", [], multirun=False))
    assert find("trainer.max_steps") == Origin(key="trainer.max_steps")


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text("model:\n  dim: 64\n  heads: ${.dim}\ntrainer: {max_steps: 84}\nlist: [1, 2]\n")
    (tmp_path / "large.json").write_text(json.dumps({"model": {"dim": 128}}, indent="\t"))
    return [tmp_path / "base.yaml", tmp_path / "large.json"]


@pytest.mark.parametrize(
    ("key", "overrides", "expected"),
    [
        ("trainer.max_steps", [], ("base.yaml", 4, None)),
        ("model.dim", [], ("large.json", 3, None)),
        ("model.dim", ["model.dim=3"], (None, None, "model.dim=3")),
        ("model.dim", ["+model.dim=3"], (None, None, "+model.dim=3")),
        ("model.dim", ["model={heads: 3}"], ("large.json", 3, None)),
        ("model.dim", ["model={dim: 3}"], (None, None, "model={dim: 3}")),
        ("model.dim", ["~model.heads"], ("large.json", 3, None)),
        ("list.1", ["list=[3, 4]"], (None, None, "list=[3, 4]")),
        ("list[1]", [], ("base.yaml", 5, None)),
        ("nothing", [], (None, None, None)),
    ],
)
def test_place_in_files_without_hydra(files, key, overrides, expected):
    load_files(files, overrides)  # they are what OmegaConf takes
    found = file_locator(files, overrides)(key)
    assert (found.file, found.line, found.override) == expected


def test_chain_in_files_without_hydra(files):
    assert file_locator(files, [])("model.heads").chain == ("model.dim large.json:3",)
    assert file_locator(files, ["model.heads=${trainer.max_steps}"])("model.heads").chain == ("trainer.max_steps base.yaml:4",)


def test_files_that_are_gone_or_no_text_do_no_harm(files, tmp_path):
    (tmp_path / "odd.yaml").write_bytes(b"\xff\xfe\x00")
    assert file_locator([*files, tmp_path / "gone.yaml"], ["["])("trainer.max_steps").line == 4
    assert file_locator([tmp_path / "odd.yaml"], [])("trainer.max_steps") == Origin(key="trainer.max_steps")


def test_deeply_nested_override_does_no_harm(files):
    assert file_locator(files, ["model=" + "[" * 50_000])("trainer.max_steps").line == 4
