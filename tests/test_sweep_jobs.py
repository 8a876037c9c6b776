"""Every job is compared with what Hydra's own ``load_sweep_config`` gives, node by node: values, types, flags, keys and order."""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hydra._internal import config_loader_impl
from hydra._internal.defaults_list import create_defaults_list
from hydra.core.config_store import ConfigStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import MISSING, DictConfig, OmegaConf

from scalecheck import compose, light_layers
from scalecheck.errors import ConfigError
from scalecheck.kept_configs import Original
from scalecheck.locating import loader, of_light_repository, typed
from scalecheck.sweep_jobs import BASES, JobComposer, composed

pytestmark = pytest.mark.filterwarnings("ignore:The version_base parameter is deprecated")  # by hydra-core 1.4


class Kind(Enum):
    FAST = 1
    SLOW = 2


@dataclass
class Inner:
    depth: int = 2
    kind: Kind = Kind.FAST
    size: int | str = 3


@dataclass
class Trainer:
    steps: int = MISSING
    rate: float | None = 0.1
    inner: Inner = field(default_factory=Inner)
    names: list[str] = field(default_factory=lambda: ["a"])
    table: dict[str, int] = field(default_factory=dict)


FILES = {
    "conf/train.yaml": """
        defaults:
          - model: small
          - data: text
          - trainer: typed
          - optional extra: null
          - model@second: large
          - _self_
          - override hydra/job_logging: default
        seed: 1
        nothing: null
        needed: ???
        name: ${model.name}-${seed}
        home: ${oc.env:HOME_OF_TEST,none}
        tree: {a: {b: 1, c: [1, 2, {d: 3}]}, other: "${.a}", 3: 2, true: no}
        list: [1, two, 3.5, null, "${seed}"]
        hydra:
          searchpath: [file://SIDE]
          sweep: {dir: out, subdir: "${hydra.job.override_dirname}"}
          job:
            env_copy: [HOME_OF_TEST]
            config: {override_dirname: {exclude_keys: [seed, tree.a.b], item_sep: "+"}}
        """,
    "conf/model/small.yaml": "{name: small, size: 1, of: {kind: x, list: [1]}}",
    "conf/model/large.yaml": """
        defaults: [base, _self_, /shared@deep: one]
        name: large
        size: 2
        """,
    "conf/model/base.yaml": "{name: base, only_base: true, rate: 1e-3}",
    "conf/shared/one.yaml": "{v: 1, w: '${seed}'}",
    "conf/shared/two.yaml": "{v: 2, u: [a, b]}",
    "conf/data/text.yaml": "{path: /x, size: '${model.size}'}",
    "conf/data/audio.yaml": "{path: /y, rate: 16000, size: '???'}",
    "conf/extra/here.yaml": "# @package _global_\nmodel: {added: 1}\nname: said\n",
    "conf/experiment/first.yaml": """
        # @package _global_
        defaults:
          - override /model: large
          - override /data: audio
        seed: 7
        trainer: {rate: 0.5}
        """,
    "conf/experiment/nested.yaml": """
        # @package _global_
        defaults:
          - /experiment/first
          - /shared@more.of: two
        tree: {a: {b: 5}}
        """,
    "conf/experiment/broken.yaml": "# @package _global_\ndefaults:\n  - override /nowhere: x\n",
    "conf/trainer/loose.yaml": "{steps: 5, free: true}",
    "conf/hydra/callbacks/none.yaml": "{}",
    "side/model/elsewhere.yaml": "{name: elsewhere, size: 9}",
}
JOBS = [
    [],
    ["seed=2"],
    ["model=large"],
    ["model=elsewhere", "model.size=3"],
    ["model@second=small"],
    ["data=audio", "data.rate=8000"],
    ["experiment=first"],
    ["+experiment=first"],
    ["+experiment=nested", "seed=3"],
    ["+experiment=nested", "model=small"],
    ["+experiment=broken"],
    ["extra=here", "model.added=2"],
    ["trainer=loose", "trainer.free=false"],
    ["trainer.steps=10", "trainer.inner.kind=SLOW", "trainer.inner.size=text"],
    ["trainer.steps=ten"],
    ["trainer.inner.kind=QUICK"],
    ["trainer.unknown=1"],
    ["+trainer.unknown=1"],
    ["trainer.rate=null", "+trainer.table.x=3", "trainer.names=[b,c]"],
    ["trainer.table={x:1}"],
    ["nowhere=1"],
    ["+nowhere=1"],
    ["++nowhere.deep.er=1", "nowhere.deep.er=2"],
    ["++seed=5"],
    ["+seed=5"],
    ["~seed"],
    ["~seed=1"],
    ["~seed=2"],
    ["~tree.a.c"],
    ["~tree.nothing"],
    ["~model"],
    ["~model@second"],
    ["~data=text"],
    ["~data=audio"],
    ["~nothing"],
    ["model={name:mapped,size:4}"],
    ["+model={fresh:1}"],
    ["tree.a={b:2,z:3}"],
    ["+tree.a={b:2,z:3}"],
    ["tree.a.c=[9]"],
    ["+list=[5]"],
    ["list=extend_list(7)"],
    ["list.0=5"],
    ["tree.a.c.2.d=5"],
    ["seed='a b, c'", 'name="it is ${seed}"'],
    ["seed=${model.size}", "model.size=6"],
    ["tree.other.b=3"],
    ["tree=${model}", "tree.size=8"],
    ["name=null", "home=''"],
    ["needed=1", "needed=2"],
    ["seed=1", "seed=1"],
    ["seed=1,2"],
    ["seed=choice(1,2)"],
    ["seed=["],
    ["hydra.job.name=mine"],
    ["hydra.job.config.override_dirname.exclude_keys=[]", "seed=4", "name=z", "home=a"],
    ["hydra.job.env_set={A:b}"],
    ["hydra.job.env_copy=[NOT_SET_IN_THE_TEST]"],
    ["hydra.sweep.dir=elsewhere"],
    ["hydra.launcher.nothing=1"],
    ["hydra/callbacks=none"],
    ["hydra/launcher=nowhere"],
    ["hydra.searchpath=[]", "model=elsewhere"],
    ["hydra={verbose:true}"],
    ["hydra.verbose=true", "hydra.job.chdir=true"],
    ["model=nowhere"],
    ["model=[small,base]"],
    ["model=1"],
    ["model=null"],
    ["shared@x.y=one"],
    ["+shared@x.y=one", "x.y.v=3"],
    ["+shared@x.y=one", "+shared@x.z=two"],
    ["+shared@_global_=one", "+shared@x=one", "+x.v2=1"],
    ["+shared@x=one", "v=4", "+shared@_global_=one"],
    ["+shared@x=one", "+experiment=nested", "x.w=1"],
    ["+shared=two"],
    ["++shared=two"],
    ["seed@a=1"],
]


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    root = tmp_path_factory.mktemp("repo")
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n").replace("SIDE", str(root / "side")))
    store = ConfigStore.instance()
    kept = copy.copy(store.repo)
    store.store(name="typed", group="trainer", node=Trainer)
    with pytest.MonkeyPatch.context() as patched, compose.hydra_at(root / "conf", None):
        patched.setenv("HOME_OF_TEST", "/home")
        yield compose.compose_main("train", ["hydra.job.id=mine", "seed=1"], multirun=True)
    store.repo = kept


@pytest.fixture(scope="module")
def composer(master):
    """One for all tests, so that each job meets what those before it have left."""
    return JobComposer(master)


def tree(node: Any) -> Any:
    """Everything that a config is: per node its kind, value, key, types and flags, and whose child it is."""
    about = node._metadata
    told = vars(about) | {"flags": dict(about.flags), "resolver_cache": {name: dict(kept) for name, kept in about.resolver_cache.items()}}
    content = node.__dict__.get("_content", node.__dict__.get("_val"))
    if isinstance(content, dict):
        content = [(key, tree(child), child._get_parent() is node) for key, child in content.items()]
    elif isinstance(content, list):
        content = [(tree(child), child._get_parent() is node) for child in content]
    elif hasattr(content, "_metadata"):
        content = (tree(content), content._get_parent() is node)
    return type(node), told, content, type(content)


def outcome(compose_job: Any, *arguments: Any) -> Any:
    try:
        return tree(compose_job(*arguments))
    except ConfigError as failure:
        return str(failure)


_PLAIN: dict[tuple[str, ...], Any] = {}


def by_hydra(master: DictConfig, job: list[str]) -> Any:
    """What Hydra makes of a job of the one master of this module, asked for once."""
    if tuple(job) not in _PLAIN:
        _PLAIN[tuple(job)] = outcome(composed, loader(), master, job)
    return _PLAIN[tuple(job)]


def same(composer: JobComposer, master: DictConfig, job: list[str]) -> None:
    assert outcome(composer.job, job) == by_hydra(master, job)


@pytest.mark.parametrize("job", JOBS, ids=" ".join)
def test_a_job_is_what_hydra_composes_or_fails_with_its_sentence(composer, master, job):
    same(composer, master, job)
    same(composer, master, job)


def test_the_table_has_jobs_that_compose_and_jobs_that_fail(master):
    failed = [job for job in JOBS if isinstance(by_hydra(master, job), str)]
    assert 20 < len(failed) < len(JOBS) - 30, failed


ANY_COMPANY = given(job=st.lists(st.sampled_from(sorted({text for job in JOBS for text in job})), min_size=1, max_size=5))
QUIET = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=5, **QUIET)
@ANY_COMPANY
def test_overrides_in_any_company_and_order(composer, master, job):
    same(composer, master, job)


@pytest.mark.extended
@settings(max_examples=25, **QUIET)
@ANY_COMPANY
def test_overrides_in_much_more_company(composer, master, job):
    same(composer, master, job)


def test_the_jobs_that_compose_do_so_without_the_plain_way(composer, master, monkeypatch):
    """Or else every equality above would be that of a thing with itself."""
    composing = [job for job in JOBS if not isinstance(by_hydra(master, job), str)]
    monkeypatch.setattr(loader(), "load_sweep_config", None)
    assert [job for job in composing if isinstance(outcome(composer.job, job), str)] == []


def told_by(made: Any) -> Any:
    return [vars(default) for default in made.defaults], list(made.overrides.known_choices.items())


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.extended)], ids=["some", "all"])
def test_the_list_of_a_job_is_hydras_and_is_not_made_again_to_locate_what_is_found(master, every):
    composer, found = JobComposer(master), light_layers._found
    by_choice = {composer.chosen(job): job for job in JOBS if not isinstance(by_hydra(master, job), str)}
    assert len(by_choice) > 15
    for job in list(by_choice.values())[::every]:
        config = composed(composer._loader, master, job)
        made = found.cache_info().misses
        assert of_light_repository(config)[0]
        assert found.cache_info().misses == made, job
        texts = [text for kind in ("hydra", "task") for text in typed(config, kind)]
        parsed, files = loader()._parse_overrides_and_create_caching_repo("train", texts)
        hydras = create_defaults_list(files, "train", parsed, prepend_hydra=True, skip_missing=False)
        choices = [text for text, override in zip(texts, parsed, strict=True) if override not in hydras.config_overrides]
        assert told_by(light_layers.known_run("train", tuple(choices), light_layers.search_path(config)).listed) == told_by(hydras), job
        assert found.cache_info().misses == made, job


def test_a_list_that_cannot_be_made_lightly_is_made_by_hydra(master, monkeypatch):
    job = ["model=large", "seed=2"]
    light_layers._found.cache_clear()
    monkeypatch.setattr(light_layers.LightRepository, "load_config", None)
    composer = JobComposer(master)
    assert outcome(composed, composer._loader, master, job) == by_hydra(master, job)
    assert light_layers._found.cache_info().currsize == 0


def test_a_config_is_the_callers_own(composer, master):
    job = ["model=large", "seed=5"]
    first = composer.job(job)
    before = tree(first)
    OmegaConf.set_struct(first, False)
    first.model.name = "other"
    first.list.append(1)
    first.hydra.overrides.task.append("x")
    OmegaConf.set_readonly(first.trainer, True)
    del first["tree"]
    assert tree(composer.job(job)) == before


def test_jobs_of_one_choice_read_no_file_again(master, monkeypatch):
    read = []
    plain = OmegaConf.load
    monkeypatch.setattr(OmegaConf, "load", staticmethod(lambda file: read.append(file) or plain(file)))
    composer = JobComposer(master)
    composer.job(["model=large"])
    number = len(read)
    assert number > 0
    for seed in range(5):
        composer.job(["model=large", f"seed={seed}"])
    assert len(read) == number
    composer.job(["model=elsewhere"])
    assert len(read) == number + 1


@pytest.mark.parametrize("sizes", [3, pytest.param(4, marks=pytest.mark.extended)])
def test_of_many_choices_the_last_are_kept(master, sizes):
    composer = JobComposer(master)
    options = (("small", "large", "base", "elsewhere")[:sizes], ("text", "audio"), ("one", "two"))
    jobs = [[f"model={a}", f"data={b}", f"+shared@x={c}"] for a, b, c in itertools.product(*options)]
    for job in [*jobs, *jobs[::-1], *jobs[::3]]:
        same(composer, master, job)
    (files,) = composer._loader.searched.values()
    assert len(files.bases) == BASES
    assert 0 < len(files.starts) <= BASES


def test_what_hydra_itself_runs_is_left_as_it_is(master):
    running, functions = loader(), dict(vars(config_loader_impl))
    methods, state = dict(vars(type(running))), dict(vars(running))
    JobComposer(master).job(["model=large", "seed=2"])
    assert vars(config_loader_impl) == functions
    assert vars(type(running)) == methods
    assert vars(running) == state
    assert type(loader()) is config_loader_impl.ConfigLoaderImpl


def test_another_loader_than_hydras_own_is_asked_itself(master, monkeypatch):
    class Own(config_loader_impl.ConfigLoaderImpl):
        def load_sweep_config(self, master_config: Any, sweep_overrides: list[str]) -> DictConfig:
            return OmegaConf.create({"own": sweep_overrides})

    monkeypatch.setattr("scalecheck.sweep_jobs.loader", lambda: Own(loader().get_search_path()))
    composer = JobComposer(master)
    assert composer.job(["seed=2"]) == {"own": ["seed=2"]}
    assert composer.chosen(["seed=2"]) is None


def test_where_the_remembering_loader_breaks_the_running_one_composes(master, monkeypatch):
    composer = JobComposer(master)
    monkeypatch.setattr(composer._loader, "_compose_config_from_defaults_list", None)
    assert outcome(composer.job, ["seed=2"]) == outcome(composed, loader(), master, ["seed=2"])


def test_chosen_tells_jobs_that_differ_in_values_alone(composer):
    assert composer.chosen(["model=large", "seed=2"]) == composer.chosen(["seed=3", "model=large", "~name"])
    assert composer.chosen(["model=large"]) != composer.chosen(["model=small"])
    assert composer.chosen(["model={name:x}"]) == composer.chosen([])
    assert composer.chosen(["~model"]) != composer.chosen([])
    assert composer.chosen(["hydra.searchpath=[]"]) != composer.chosen([])
    assert composer.chosen(["seed=["]) is None


def test_a_copy_is_equal_to_a_deep_copy_also_of_shared_parts_and_rare_nodes():
    typed = OmegaConf.create({"a": OmegaConf.structured(Trainer), "b": [1, b"2", Path("c"), None, "???", "${a}"], "n": None})
    OmegaConf.set_readonly(typed.a, True)
    OmegaConf.set_struct(typed, True)
    shared = copy.deepcopy(typed)
    shared.a._metadata.flags = shared._metadata.flags
    for config, is_tree in ((typed, True), (shared, False)):
        original = Original(config)
        assert original._is_tree is is_tree
        assert tree(original.copied()) == tree(copy.deepcopy(config)) == tree(config)
    made = Original(shared).copied()
    assert made.a._metadata.flags is made._metadata.flags is not shared._metadata.flags
