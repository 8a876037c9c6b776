"""The cheap way to the layers of a composed config tells what Hydra's own way tells, and sees every change."""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import hydra
import pytest
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from scalecheck import compose, light_layers, locating
from scalecheck.errors import ConfigError
from scalecheck.locating import locator, of_hydras_repository, of_light_repository
from scalecheck.provenance import finder

pytestmark = pytest.mark.filterwarnings("ignore:The version_base parameter is deprecated")  # by hydra-core 1.4

CORPUS = Path(__file__).parent / "corpus"
_SPEC = importlib.util.spec_from_file_location("scalecheck_corpus", CORPUS / "corpus.py")
corpus = importlib.util.module_from_spec(_SPEC)
sys.modules.setdefault("scalecheck_corpus", corpus)
_SPEC.loader.exec_module(corpus)
CASES = [case for case in corpus.cases() if case.is_hydra]


def assert_both_ways_tell_the_same(config):
    """Layers, overrides, and the place of every value."""
    slow = of_hydras_repository(config)
    layers, told = of_light_repository(config)
    assert ([replace(layer, is_yaml=False) for layer in layers], told) == slow
    slowly, quickly = finder(*slow), locator(config)
    keys = list(keys_of(config))
    assert keys
    assert [quickly(key) for key in keys] == [slowly(key) for key in keys]


def keys_of(node, key=""):
    """Every key of a config that needs no interpolation to be named, its nodes and their items too."""
    names = node.keys() if isinstance(node, DictConfig) else range(len(node))
    for name in names:
        own = f"{key}.{name}".lstrip(".")
        yield own
        child = node._get_node(name)
        if OmegaConf.is_config(child) and not child._is_none() and not child._is_interpolation() and not child._is_missing():
            yield from keys_of(child, own)


@pytest.mark.extended
@pytest.mark.filterwarnings("ignore")  # old repos compose with warnings of Hydra's
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_both_ways_tell_the_same_of_real_configs(case):
    if "colorlog" in "".join(path.read_text() for path in (case.path / case.about["config_dir"]).rglob("*.yaml")):
        pytest.importorskip("hydra_plugins.hydra_colorlog")
    is_old = hydra.__version__.startswith("1.3.")
    if not is_old:  # 1.4 refuses the old bases, and some of these repos' defaults lists
        case = replace(case, about={**case.about, "version_base": "1.3"})
    try:
        with corpus.composed(case) as config:
            assert_both_ways_tell_the_same(config)
    except ConfigError as refused:
        if is_old:
            raise
        pytest.skip(str(refused))


@dataclass
class Stored:
    n_layer: int = 4


@pytest.fixture
def both(app, monkeypatch):
    """``both(files, *overrides)`` composes an app of these files with Hydra and compares both ways."""
    monkeypatch.chdir(app.root)

    def composed(files, *overrides):
        app.write(files)
        with compose.hydra_at(app.root / "conf", "1.3"):
            assert_both_ways_tell_the_same(compose.compose_main("train", overrides, multirun=False))

    return composed


@pytest.mark.filterwarnings("ignore::UserWarning")  # Hydra's, of a defaults list without _self_ and of a file that has a schema
@pytest.mark.parametrize(
    ("files", "overrides"),
    [
        ({}, ["hydra/job_logging=none"]),
        ({}, ["~hydra/job_logging"]),
        ({}, ["hydra/job_logging=none", "hydra.run.dir=out", "model.n_layer=3"]),
        ({}, ["+model@other=large", "~model", "++seed=2"]),
        ({"conf/train.yaml": "defaults: [{model: small}, _self_, {override hydra/job_logging: none}]"}, []),
        ({"conf/train.yaml": "defaults: [{model: small}, {override /hydra/job_logging: none}, _self_]"}, []),
        ({"conf/experiment/short.yaml": "# @package _global_\ndefaults: [{override /hydra/job_logging: none}]\n"}, ["+experiment=short"]),
        ({"conf/hydra/job_logging/own.yaml": "defaults: [none]\nx: 1\n"}, ["hydra/job_logging=own"]),
        ({"conf/hydra/all.yaml": "defaults: [{override job_logging: none}]", "conf/train.yaml": "defaults: [/hydra/all, _self_]"}, []),
        ({"conf/train.yaml": "defaults: [{model: [small, large]}, _self_]\nx: ${model.n_layer}\n"}, []),
        ({"conf/train.yaml": "defaults: [{trainer: default}, {model: '${size}'}, {size: small}]", "conf/size/small.yaml": "s: 1"}, []),
        ({"conf/train.yaml": "defaults:\n  - optional model: none_such\n  - /trainer@t.u: default\n  - _self_\n"}, []),
        ({"conf/train.yaml": "x: &x [{model: small}]\ndefaults: *x\n"}, []),
        ({"conf/train.yaml": '"de\\x66aults": [{model: small}]\nseed: 1\n'}, []),
        ({"conf/train.yaml": "hydra: {searchpath: [extra]}\ndefaults: [_self_, model: own]\n", "extra/model/own.yaml": "n: 1"}, []),
        ({"extra/model/own.yaml": "n_layer: 1"}, ["hydra.searchpath=[file://extra]", "model=own"]),
        ({"conf/train.yaml": "defaults: [_self_]\nn: {1: a, two: {three: [b, {c: '${hydra:job.name}'}]}}\n"}, []),
        ({"conf/model/small.yaml": "# @package model.inner\nn: 1\n"}, []),
        ({}, ["model={n_layer: 3}", "+new={a: 1}", "trainer.max_steps=${seed}"]),
    ],
)
def test_both_ways_tell_the_same_of_odd_apps(both, files, overrides):
    both({name: text + "\n" for name, text in files.items()}, *overrides)


@pytest.mark.skipif(hydra.__version__.startswith("1.3."), reason="1.3 lets such a file hold nothing but the keys of Hydra's dataclass")
def test_file_in_place_of_a_dataclass_of_hydras_may_hold_values_of_the_run(both):
    both({"conf/hydra/sweeper/basic.yaml": "# @package _global_\nmax_batch_size: 3\n"})


def test_dataclasses_of_the_store_with_and_without_defaults(both):
    store = ConfigStore.instance()
    store.store(group="model", name="stored_one", node=Stored)
    store.store(group="model", name="stored_two", node={"defaults": ["stored_one", "_self_"], "n_layer": 3})
    try:
        both({}, "model=stored_two")
    finally:
        del store.repo["model"]


@pytest.fixture
def place(app, monkeypatch):
    """``place(key)`` locates a key by the light way alone, in the app as it now stands on the disk."""
    monkeypatch.chdir(app.root)
    monkeypatch.setattr(locating, "of_hydras_repository", pytest.fail)

    def placed(key, *overrides):
        with compose.hydra_at(app.root / "conf", "1.3"):
            found = locator(compose.compose_main("train", overrides, multirun=False))(key)
            return found.file, found.line

    return placed


def test_what_is_known_is_used_again_until_a_file_changes(app, place, monkeypatch):
    light_layers._found.cache_clear()
    assert place("trainer.max_steps") == ("conf/trainer/default.yaml", 2)
    assert place("trainer.max_steps", "seed=3") == ("conf/trainer/default.yaml", 2)
    assert light_layers._found.cache_info().misses == 1
    app.write({"conf/trainer/default.yaml": "devices: 1\n\nmax_steps: 84\n"})
    assert place("trainer.max_steps") == ("conf/trainer/default.yaml", 3)
    app.write({"conf/train.yaml": "defaults: [{trainer: default}, _self_]\ntrainer: {max_steps: 5}\n"})
    assert place("trainer.max_steps") == ("conf/train.yaml", 2)


def test_file_that_comes_in_before_another_is_seen(app, place):
    app.write(
        {"conf/train.yaml": "hydra: {searchpath: [extra]}\ndefaults: [_self_, trainer: own]\n", "extra/trainer/own.yaml": "max_steps: 1"}
    )
    assert place("trainer.max_steps") == ("extra/trainer/own.yaml", 1)
    app.write({"conf/trainer/own.yaml": "\nmax_steps: 1\n"})
    assert place("trainer.max_steps")[0] == "conf/trainer/own.yaml"


def test_node_of_the_store_that_is_replaced_is_seen(place):
    store = ConfigStore.instance()
    try:
        store.store(group="model", name="stored", node={"n_layer": 4})
        assert place("model.n_layer", "model=stored") == ("structured://model/stored", None)
        del store.repo["model"]
        store.store(group="model", name="stored", node={"n_embd": 4})
        assert place("model.n_layer", "model=stored", "+model.x=1") == (None, None)
    finally:
        del store.repo["model"]


def test_paths_are_shown_from_where_the_job_works(app, place, monkeypatch):
    assert place("trainer.max_steps")[0] == "conf/trainer/default.yaml"
    (app.root / "job").mkdir()
    monkeypatch.chdir(app.root / "job")
    assert place("trainer.max_steps")[0] == os.fspath(app.root / "conf/trainer/default.yaml")


def test_a_kind_of_source_that_is_not_hydras_is_left_to_hydra(app, monkeypatch):
    monkeypatch.chdir(app.root)
    with compose.hydra_at(app.root / "conf", "1.3", untrusted=True):
        config = compose.compose_main("train", [], multirun=False)
        with pytest.raises(light_layers.NotLightError):
            of_light_repository(config)
        assert locator(config)("trainer.max_steps").line == 2


def test_bound_on_what_is_kept():
    for kept in (light_layers._found, light_layers._file, light_layers.parsed):
        assert kept.cache_info().maxsize is not None
