"""A view over odd configs, files without Hydra as one config, and resolvers that are not run."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omegaconf import MISSING, OmegaConf

from scalecheck.config_files import MAX_NODES, load_files, no_lost_merges
from scalecheck.errors import ConfigError
from scalecheck.facts import Unreadable
from scalecheck.views import _ASK_OMEGACONF, ConfigView, harmless_resolvers, resolvers_are_refused

pytestmark = pytest.mark.filterwarnings("ignore:register_new_resolver")  # OmegaConf 2.4 has another name for it


class Precision(Enum):
    BF16 = 16


def view(config):
    return ConfigView(OmegaConf.create(config))


@pytest.fixture
def calls():
    """Register a resolver that records what it is called with."""
    made = []

    def spy(name, value=None):
        made.append(name)
        return value

    OmegaConf.register_new_resolver("spy", spy)
    yield made
    OmegaConf.clear_resolver("spy")


@pytest.mark.parametrize(
    ("config", "key", "value"),
    [
        ({"a": {"b": 3}}, "a.b", 3),
        ({"a": {"b": 3}}, "a.c", None),
        ({"a": {"b": 3}}, "a.b.c", None),
        ({"a": {"b": 3}}, "x.y.z", None),
        ({"a": None}, "a", None),
        ({"a": None}, "a.b", None),
        ({"a": "${b}", "b": 4}, "a", 4),
        ({"a": "${b}", "b": {"c": 4}}, "a.c", 4),
        ({"a": "${.b}", "b": 4}, "a", 4),
        ({"a": ["x", {"y": 5}]}, "a.1.y", 5),
        ({"a": ["x", {"y": 5}]}, "a[1].y", 5),
        ({"a": ["x"]}, "a.7", None),
        ({"a": True}, "a", True),
        ({"a": 1e9}, "a", 1e9),
        ({"a": "1e9"}, "a", "1e9"),
        ({"a": b"raw"}, "a", b"raw"),
        ({"a": Path("x")}, "a", Path("x")),
        ({"a": Precision.BF16}, "a", "BF16"),
        ({"a": ""}, "a", ""),
        ({"a": {}}, "a", {}),
        ({"a": []}, "a", []),
        ({"a": {"b": "${c}"}, "c": 1}, "a", {"b": "${c}"}),
        ({"a": ["${c}", 2], "c": 1}, "a", ["${c}", 2]),
        ({"a": {"b": "???"}}, "a", {"b": "???"}),
        ({"stages": {0: {"steps": 7}, 1: {"steps": 9}}}, "stages.1.steps", 9),
        ({"stages": {0: {"steps": 7}}}, "stages.2.steps", None),
        ({"stages": {"0": {"steps": 7}}}, "stages.0.steps", 7),
        ({"stages": {0: "${n}"}, "n": 5}, "stages.0", 5),
        ({"stages": [{3: {"x": 1}}]}, "stages.0.3.x", 1),
        ({"flags": {True: 1, False: 2}}, "flags.True", 1),
        ({"a": {b"k": 6}}, "a.b'k'", 6),
        ({-1: 8}, "-1", 8),
        ({7: 8}, "7", 8),
        ({"7": 8}, "7", 8),
        ({"a b": {"c-d": 1}}, "a b.c-d", 1),
        ({"\u6a21\u578b": {"n": 1}}, "\u6a21\u578b.n", 1),
    ],
)
def test_value_at_a_key(config, key, value):
    found = view(config).get(key)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("config", "key", "reason"),
    [
        ({"a": "???"}, "a", "Missing mandatory value"),
        ({"a": {"b": "???"}}, "a.b", "Missing mandatory value"),
        ({"a": "???"}, "a.b", "Missing mandatory value"),
        ({"a": {1: "???"}}, "a.1", "Missing mandatory value"),
        ({"a": "${nothing}"}, "a", "nothing"),
        ({"a": "${b.c}", "b": {}}, "a", "b.c"),
        ({"a": "${b}", "b": "${a}"}, "a", "Recursive interpolation"),
        ({"a": "${a}"}, "a", "Recursive interpolation"),
        ({"a": "${no_such_resolver:1}"}, "a", "no_such_resolver"),
        ({"a": {1: "${nothing}"}}, "a.1", "nothing"),
        ({"a": "${oc.env:SCALECHECK_IS_NOT_SET}"}, "a", "SCALECHECK_IS_NOT_SET"),
        ({"a": ["x"]}, "a.b", "not an int"),
    ],
)
def test_key_that_cannot_be_read_has_a_reason_in_one_line(config, key, reason):
    found = view(config).get(key)
    assert isinstance(found, Unreadable)
    assert reason in found.reason
    assert "\n" not in found.reason
    assert len(found.reason) <= 200


def test_text_is_meant_where_a_number_and_a_text_are_written_alike():
    try:
        config = view({"stages": {0: "number", "0": "text"}})
    except ValueError:
        pytest.skip("OmegaConf 2.4 refuses them")
    assert config.get("stages.0") == "text"


def test_chain_of_interpolations_too_long_for_python_is_unreadable():
    config = {f"k{n}": f"${{k{n + 1}}}" for n in range(2000)} | {"k2000": 1}
    assert isinstance(view(config).get("k0"), Unreadable)
    assert view(config).get("k1999") == 1


@pytest.mark.parametrize(
    ("config", "key", "names"),
    [
        ({"a": 1, "b": {"c": 2}}, "", ("a", "b")),
        ({"a": 1, "b": {"c": 2}}, "b", ("c",)),
        ({"a": 1}, "a", ()),
        ({"a": 1}, "nothing.here", ()),
        ({"a": None}, "a", ()),
        ({"a": "???"}, "a", ()),
        ({"a": {"b": "???"}}, "a.b", ()),
        ({"a": "${b}", "b": {"c": 1}}, "a", ()),
        ({"a": {"x.y": 1, "z": 2}}, "a", ("z",)),
        ({"a": {0: 1, True: 2, "t": 3}}, "a", ("0", "True", "t")),
        ({"stages": {0: {"steps": 7}}}, "stages.0", ("steps",)),
        ({"a": [{"b": 1}]}, "a", ()),
        ({}, "", ()),
    ],
)
def test_names_of_children(config, key, names):
    assert view(config).keys(key) == names


def test_listing_and_reading_resolve_nothing_that_is_not_asked_for(calls):
    config = view({"a": {"wanted": "${spy:wanted,8}", "other": "${spy:other}"}, "b": "${spy:b}", "c": ["${spy:c}"], "d": "${a}"})
    for node in ("", "a", "b", "c", "d"):
        config.keys(node)
    assert config.get("a") == {"wanted": "${spy:wanted,8}", "other": "${spy:other}"}
    assert calls == []
    assert config.get("d.wanted") == 8
    assert calls == ["wanted"]


def test_value_is_resolved_once(calls):
    config = view({"a": "${spy:a,1}"})
    assert [config.get("a"), config.get("a")] == [1, 1]
    assert calls == ["a"]


def test_view_knows_what_was_read():
    config = view({"a": 1, "b": {"c": 2}})
    config.get("a")
    config.get("b.nothing")
    config.keys("b")
    assert config.read_keys == {"a", "b.nothing"}


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30) | st.text(alphabet="ab01.[]${}:'-", max_size=20))
def test_no_key_raises(key):
    config = view({"a": {"b": "${c}", 0: {"1": [1, {2: 3}]}}, "b": ["${a}", None, "???"], "n": None, "c": "${n.x}"})
    config.get(key)
    config.keys(key)


# --- what is read as it is written, without OmegaConf


class Asking(ConfigView):
    """A view that asks OmegaConf for everything."""

    def _as_written(self, _: str) -> Any:
        return _ASK_OMEGACONF

    def _list(self, key: str) -> tuple[str, ...]:
        return tuple(name for name in self._names_at(key) if "." not in name)


class Text(str, Enum):
    PLAIN = "plain"
    LINK = "${a}"
    MUST = "???"


@dataclass
class Inner:
    a: int = 1
    b: str | None = None
    c: Any = "${a}"
    d: int = MISSING


@dataclass
class Outer:
    a: Inner = field(default_factory=Inner)
    b: Inner | None = None
    c: dict[str, int] = field(default_factory=lambda: {"a": 1, "1": 2})
    d: dict[int, Any] = field(default_factory=lambda: {1: 2, 7: {"a": "${b}"}})
    e: list[Any] = field(default_factory=lambda: [1, {"a": 2}])
    f: Precision = Precision.BF16
    g: float = MISSING
    h: int = "${a}"  # type: ignore[assignment]
    i: dict[Precision, int] = field(default_factory=lambda: {Precision.BF16: 3})
    j: Path = Path("x")
    k: bytes = b"x"
    l: int | str = 5  # noqa: E741


KEYS = st.sampled_from(("a", "b", "c", "d", "x-y", "a b", "1", "", "x.y", "a[b]", "BF16", "True", "\u6a21"))
ODD_KEYS = st.sampled_from((1, 7, -1, True, 0.5, b"k", Precision.BF16))
LINKS = st.sampled_from(
    ("${a}", "${a.b}", "${.b}", "${..c}", "n${b}m", "${nothing:1}", "${oc.env:PATH}", "${oc.dict.keys:a}", "\\${a}", "${}")
)
LEAVES = st.one_of(
    st.integers(), st.booleans(), st.none(), st.floats(), st.text(max_size=4), LINKS,
    st.sampled_from(("???", "", b"raw", Path("p"), Precision.BF16, *Text, Inner(), Outer(), {}, [])),
)  # fmt: skip
NODES = st.recursive(
    LEAVES,
    lambda inner: (
        st.dictionaries(KEYS, inner, max_size=5) | st.dictionaries(KEYS | ODD_KEYS, inner, max_size=4) | st.lists(inner, max_size=3)
    ),
    max_leaves=25,
)
ASKED = st.lists(st.sampled_from(("a", "b", "c", "d", "l", "x-y", "a b", "1", "", "7", "-1", "True", "BF16", "x.y", "a[b]")), max_size=4)


ANY_VIEW = given(config=st.dictionaries(KEYS, NODES, min_size=1, max_size=5), asked=st.lists(ASKED, max_size=12), is_trusted=st.booleans())


@settings(max_examples=25, deadline=None)
@ANY_VIEW
@example(
    config={"a": Text.MUST, "b": Text.LINK, "c": Text.PLAIN, "d": Outer(), "1": [Inner()]},
    asked=[["d", "d", "a"], ["d", "i", "a"]],
    is_trusted=False,
)
def test_view_says_what_omegaconf_would(config, asked, is_trusted):
    says_the_same(config, asked, is_trusted)


@pytest.mark.extended
@settings(max_examples=150, deadline=None)
@ANY_VIEW
def test_more_views_say_what_omegaconf_would(config, asked, is_trusted):
    says_the_same(config, asked, is_trusted)


def says_the_same(config, asked, is_trusted):
    try:
        made = OmegaConf.create(config)
    except Exception:  # noqa: BLE001 - no config, in this release of OmegaConf
        return
    quick, asking = ConfigView(made), Asking(made)
    paths = [".".join(path) for path in asked]
    waiting = [""]
    while waiting:  # and every key that there is
        key = waiting.pop()
        paths.append(key)
        waiting += [f"{key}.{name}" if key else name for name in asking.keys(key)][: 200 - len(paths)]
    for path in paths:
        assert quick.keys(path) == asking.keys(path), path
    quick = ConfigView(made) if len(paths) % 2 else quick  # also without its nodes listed
    for path in paths:
        assert repr(quick.get(path)) == repr(asking.get(path)), path
        if not is_trusted:
            with harmless_resolvers():
                assert quick.runs_code(path) == asking.runs_code(path)
                assert repr(ConfigView(made).get(path)) == repr(Asking(made).get(path)), path
    assert quick.read_keys == asking.read_keys


def test_plain_values_are_read_without_omegaconf(monkeypatch):
    """The hundred keys that a launch reads are worth a millisecond in all: OmegaConf would take it for five of them."""
    config = view({"a": {"b": 3, "c": None, "d": [1, {"x": "${e}"}]}, "n": {"m": {"k": "text"}}, "f": Precision.BF16})
    monkeypatch.setattr(OmegaConf, "select", lambda *_, **__: pytest.fail("OmegaConf was asked"))
    keys = ("a.b", "a.c", "a.d", "n.m.k", "f", "a.nothing", "n.m")
    assert [config.get(key) for key in keys] == [3, None, [1, {"x": "${e}"}], "text", "BF16", None, {"k": "text"}]
    assert not any(config.runs_code(key) for key in keys)


# --- resolvers that are not run


@pytest.fixture
def secret(monkeypatch):
    monkeypatch.setenv("SCALECHECK_SECRET", "4096")


CHAINS = {
    "custom": "${spy:x,1}",
    "env": "${oc.env:SCALECHECK_SECRET}",
    "env_with_default": "${oc.env:SCALECHECK_IS_NOT_SET,7}",
    "link": "${env}",
    "two_links": "${link}",
    "inside_text": "n${env}m",
    "selected": "${oc.select:env}",
    "selected_with_default": "${oc.select:env,7}",
    "decoded": "${oc.decode:${env}}",
    "decoded_text": "${oc.decode:'${oc.env:SCALECHECK_SECRET}'}",
    "name_of_resolver": "oc.env",
    "dynamic": "${${name_of_resolver}:SCALECHECK_SECRET}",
    "created": "${oc.create:{n: '${oc.env:SCALECHECK_SECRET}'}}",
    "through_created": "${created.n}",
    "unregistered": "${eval:'1+1'}",
    "as_argument": "${oc.select:${env},7}",
    "values": "${oc.dict.values:node}",
    "node": {"n": "${env}"},
    "through_values": "${values.0}",
    "deprecated": "${oc.deprecated:env}",
    "coerced": "${oc.coerce:int,${env}}",
}
HIDDEN = [name for name in CHAINS if name not in ("name_of_resolver", "created", "values", "node")]


@pytest.mark.parametrize("name", HIDDEN)
def test_resolver_is_not_run_however_it_is_reached(name, calls, secret):
    with harmless_resolvers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = view(CHAINS).get(name)
    assert isinstance(found, Unreadable), found
    assert "it needs the resolver " in found.reason
    assert "which is not run with --untrusted" in found.reason
    assert "4096" not in found.reason
    assert calls == []


def test_reason_names_the_resolver(secret):
    with harmless_resolvers():
        assert view(CHAINS).get("two_links").reason == "it needs the resolver oc.env, which is not run with --untrusted"
        assert view(CHAINS).get("unregistered").reason == "it needs the resolver eval, which is not run with --untrusted"


def test_keys_of_the_config_itself_are_still_resolved():
    config = {
        "a": {"b": 3},
        "l": "${a.b}",
        "s": "${oc.select:a.b,1}",
        "d": "${oc.decode:'${a.b}'}",
        "k": "${oc.dict.keys:a}",
        "e": "${oc.select:z,9}",
    }
    with harmless_resolvers():
        found = view(config)
        assert [found.get(key) for key in ("l", "s", "d", "k", "e")] == [3, 3, 3, ["b"], 9]


def test_resolvers_are_back_afterwards_even_after_a_failure(calls, secret):
    with pytest.raises(ZeroDivisionError), harmless_resolvers():
        assert resolvers_are_refused()
        _ = 1 // 0
    assert not resolvers_are_refused()
    assert view(CHAINS).get("custom") == 1
    assert view(CHAINS).get("env") == "4096"


def test_resolver_that_takes_a_harmless_name_of_omegaconfs_is_the_only_one_that_runs():
    """A type named to oc.coerce is imported by OmegaConf 2.4: not harmless, though it is a built-in."""
    with harmless_resolvers():
        assert isinstance(view({"a": "${oc.coerce:this.module,1}"}).get("a"), Unreadable)


# --- merges that would lose keys


def test_mapping_merged_over_an_unknown_resolver_is_refused():
    base, over = OmegaConf.create({"t": {"model": "${load:x.yaml}"}}), OmegaConf.create({"t": {"model": {"n_layer": 2}}})
    assert OmegaConf.merge(base, over) == {"t": {"model": {"n_layer": 2}}}, "what OmegaConf does: the rest of the model is gone"
    with no_lost_merges(), pytest.raises(Exception, match=r"keys are merged into t\.model, .* load"):
        OmegaConf.merge(base, over)


@pytest.mark.parametrize("over", [5, None, "text", [1, 2], "${other}"])
def test_value_that_replaces_an_unknown_resolver_is_no_loss(over):
    base = OmegaConf.create({"a": "${load:x.yaml}"})
    with no_lost_merges():
        if isinstance(over, list):
            with pytest.raises(Exception, match="keys are merged into a"):
                OmegaConf.merge(base, {"a": over})
        else:
            assert OmegaConf.to_container(OmegaConf.merge(base, {"a": over})) == {"a": over}


def test_mapping_merged_over_a_link_within_the_config_is_merged():
    base = OmegaConf.create({"a": "${b}", "b": {"x": 1}, "dead": "${nothing}"})
    with no_lost_merges():
        made = OmegaConf.merge(base, {"a": {"y": 2}, "dead": {"z": 3}})
    assert OmegaConf.to_container(made) == {"a": {"x": 1, "y": 2}, "b": {"x": 1}, "dead": {"z": 3}}


# --- files without Hydra


@pytest.fixture
def loaded(tmp_path):
    """``loaded({name: text}, *overrides)`` writes the files and loads them in that order."""

    def load(files, *overrides):
        paths = []
        for name, text in files.items():
            paths.append(tmp_path / name)
            paths[-1].write_bytes(text if isinstance(text, bytes) else text.encode())
        return OmegaConf.to_container(load_files(paths, overrides))

    return load


BASE = "model: {n: 1, l: [1, 2]}\ntrain: {steps: 5}\n"


def test_later_files_win_and_lists_are_replaced(loaded):
    assert loaded({"a.yaml": BASE, "b.yaml": "model: {n: 2, l: [3]}\nx: 1\n"}) == {
        "model": {"n": 2, "l": [3]},
        "train": {"steps": 5},
        "x": 1,
    }


@pytest.mark.parametrize(
    ("overrides", "changed"),
    [
        (["train.steps=7"], {"train": {"steps": 7}}),
        (["train.steps=7", "train.steps=8"], {"train": {"steps": 8}}),
        (["train.lr=1e-3"], {"train": {"steps": 5, "lr": 0.001}}),
        (["+train.lr=1e-3"], {"train": {"steps": 5, "lr": 0.001}}),
        (["++train.steps=9"], {"train": {"steps": 9}}),
        (["train={a: 1}"], {"train": {"steps": 5, "a": 1}}),
        (["train.steps=${model.n}"], {"train": {"steps": "${model.n}"}}),
        (["train.steps="], {"train": {"steps": None}}),
        (["train.text=a=b"], {"train": {"steps": 5, "text": "a=b"}}),
        (["model.l.1=9"], {"model": {"n": 1, "l": [1, 9]}}),
        (["model.l[0]=9"], {"model": {"n": 1, "l": [9, 2]}}),
        (["new.deep.key=[1,2]"], {"new": {"deep": {"key": [1, 2]}}}),
        (["~train.steps"], {"train": {}}),
        (["~train"], {}),
        (["train.steps=3", "~train.steps", "train.steps=4"], {"train": {"steps": 4}}),
    ],
)
def test_override_does_what_a_dotlist_does(overrides, changed, loaded):
    wanted = {"model": {"n": 1, "l": [1, 2]}, "train": {"steps": 5}} | changed
    if overrides == ["~train"]:
        del wanted["train"]
    assert loaded({"a.yaml": BASE}, *overrides) == wanted


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("train", "key=value"),
        ("=3", "key=value"),
        ("~nothing", "there is no nothing"),
        ("~train.nothing", "there is no train.nothing"),
        ("~model.l.0", "there is no model.l.0"),
        ("train.steps=[1", "expected"),
        ("train.steps=${", "viable"),
        ("link.x=3", "load"),
        ("model.l.9=1", ""),
        ("model.l.x=1", ""),
    ],
)
def test_override_that_cannot_be_applied_is_one_sentence(override, said, loaded):
    with pytest.raises(ConfigError) as raised:
        loaded({"a.yaml": BASE + "link: ${load:x}\n"}, override)
    assert ascii(override) in str(raised.value)
    assert said in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "[unclosed", "line 1"),
        ("a.yaml", "a: 1\na: 2\n", "duplicate key a (line 2)"),
        ("a.yaml", "just text", "it holds a single value"),
        ("a.yaml", "- 1\n- 2\n", "it holds a list"),
        ("a.yaml", "5", "it holds a single value"),
        ("a.yaml", "a: 1\n---\nb: 2\n", "single document"),
        ("a.yaml", "a: &x {b: *x}", "an anchor holds itself"),
        ("a.yaml", BOMB, f"more than {MAX_NODES:,} values"),
        ("a.yaml", "a: " + "[" * 1000, "nested too deeply"),
        pytest.param("a.yaml", "a: " + "[" * 5000, "nested too deeply", marks=pytest.mark.extended),
        ("a.yaml", "a: !!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("a.yaml", "a: ${", "viable"),
        ("a.yaml", b"\xff\xfe\x00", "utf-8"),
        ("a.yaml", "\x00", "special characters"),
        ("a.yaml", "? [1, 2]\n: 3\n", ""),
        ("a.yaml", "defaults: [{model: small}, _self_]\n", "--config-dir"),
        ("a.json", '{"a": ', "line 1"),
        ("a.json", "[1]", "it holds a list"),
        ("a.json", "3", "it holds a single value"),
        ("a.json", "", "Expecting value"),
        ("a.json", '{"a": ' * 100_000, "nested too deeply"),
        ("a.json", '{"a": ' + "9" * 5000 + "}", "digits"),
    ],
)
def test_file_that_cannot_be_used_is_one_sentence(name, text, said, loaded):
    with pytest.raises(ConfigError) as raised:
        loaded({name: text})
    message = str(raised.value)
    assert message.startswith("--config ")
    assert f"{name}: " in message
    assert said in message
    assert len(message.splitlines()) == 1
    assert len(message) < 800


def test_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load_files([tmp_path / "nothing.yaml"], ())
    with pytest.raises(ConfigError, match="directory"):
        load_files([tmp_path], ())


def test_empty_file_is_an_empty_config(loaded):
    assert loaded({"a.yaml": "", "b.yaml": "# nothing\n", "c.json": "{}"}) == {}


def test_json_and_yaml_are_merged(loaded):
    files = {"a.json": '{"model": {"n": 1, "lr": 1e-3, "tabs":\t"x"}}', "b.yaml": "model: {n: 2}\nsteps: ${model.n}\n"}
    assert loaded(files) == {"model": {"n": 2, "lr": 0.001, "tabs": "x"}, "steps": "${model.n}"}


def test_anchors_and_merge_keys_are_expanded(loaded):
    assert loaded({"a.yaml": "a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: *a\n"}) == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1}}


def test_defaults_that_is_no_list_is_a_key_like_any_other(loaded):
    assert loaded({"a.yaml": "defaults: {lr: 1}\n"}) == {"defaults": {"lr": 1}}


def test_mapping_over_an_unknown_resolver_in_an_earlier_file_names_the_later_file(loaded):
    with pytest.raises(ConfigError, match=r"b\.yaml: keys are merged into model"):
        loaded({"a.yaml": "model: ${load:x}\n", "b.yaml": "model: {n: 1}\n"})


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40) | st.text(alphabet="a.=~+[]{}$:0 ,'\"-", max_size=25))
def test_no_override_raises_anything_else(text):
    try:
        load_files([], [text])
    except ConfigError as refusal:
        assert "\n" not in str(refusal)
