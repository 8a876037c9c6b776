"""The decorator of values: what it makes is a dataclass in every way that the rest of scalecheck, pydantic and pickle rely on."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import time
import typing
from typing import Any, ClassVar, Literal

import pytest

from scalecheck.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    LEVEL: ClassVar[int] = 3
    name: str
    size: int = 4
    tags: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived(Base):
    """Has its own words."""

    size: int = 5
    extra: float | None = None


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 0
    label: str = dataclasses.field(default="", compare=False, repr=False, kw_only=True)


@dataclasses.dataclass(frozen=True, slots=True)
class StandardPoint:
    x: int
    y: int = 0
    label: str = dataclasses.field(default="", compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Settled:
    share: float

    def __post_init__(self) -> None:
        if self.share > 1:
            message = "a share is at most 1"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    x: int


@dataclass(frozen=True, slots=True)
class Own:
    x: int

    def __repr__(self) -> str:
        return "mine"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own)

    def __hash__(self) -> int:
        return 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    LEVEL: ClassVar[Literal["off"]] = "off"
    factor: float = 2.0
    point: Point = Point(1, 2)


def test_fields_have_the_names_types_and_defaults_of_the_class():
    assert dataclasses.is_dataclass(Base)
    found = [(field.name, field.type, field.default, field.kw_only) for field in dataclasses.fields(Base)]
    assert found == [
        ("name", "str", dataclasses.MISSING, True), ("size", "int", 4, True), ("tags", "dict[str, int]", dataclasses.MISSING, True),
    ]  # fmt: skip
    assert typing.get_type_hints(Derived)["extra"] == float | None


@pytest.mark.parametrize("name", ["init", "repr", "eq", "order", "unsafe_hash", "frozen", "kw_only", "slots", "match_args"])
def test_parameters_are_those_of_the_standard_decorator(name):
    ours, standard = Point.__dataclass_params__, StandardPoint.__dataclass_params__
    assert getattr(ours, name, "none") == getattr(standard, name, "none")


@pytest.mark.parametrize("name", ["name", "type", "default", "default_factory", "repr", "hash", "init", "compare", "metadata", "kw_only"])
def test_fields_are_those_of_the_standard_decorator(name):
    ours, standard = dataclasses.fields(Point), dataclasses.fields(StandardPoint)
    assert [getattr(field, name) for field in ours] == [getattr(field, name) for field in standard]


def test_class_variable_is_shared_and_no_field():
    assert Base.LEVEL == Base(name="a").LEVEL == Derived.LEVEL == 3
    assert "LEVEL" not in dataclasses.asdict(Base(name="a"))
    with pytest.raises(TypeError, match="has no field 'LEVEL'"):
        Base(name="a", LEVEL=4)


def test_each_instance_has_its_own_made_default():
    one, other = Base(name="a"), Base(name="a")
    assert one.tags == {}
    assert one.tags is not other.tags
    assert Base(name="a", tags={"b": 1}).tags == {"b": 1}


def test_replace_asdict_and_astuple_give_what_they_give_for_any_dataclass():
    value = Derived(name="a", tags={"b": 1})
    assert dataclasses.asdict(value) == {"name": "a", "size": 5, "tags": {"b": 1}, "extra": None}
    assert dataclasses.astuple(Point(1, 2)) == (1, 2, "")
    assert dataclasses.replace(value, size=6) == Derived(name="a", tags={"b": 1}, size=6)
    assert hasattr(value, "__replace__") and value.__replace__(size=6).size == 6
    if hasattr(copy, "replace"):
        assert copy.replace(value, size=7).size == 7
    with pytest.raises(TypeError, match="'sise'"):
        dataclasses.replace(value, sise=6)


def test_derived_class_keeps_the_order_of_its_base_and_takes_its_own_default():
    assert [field.name for field in dataclasses.fields(Derived)] == ["name", "size", "tags", "extra"]
    assert Derived(name="a").size == 5
    assert isinstance(Derived(name="a"), Base)
    assert Derived.__slots__ == ("extra",)
    assert Derived(name="a") != Base(name="a", size=5)


def test_representation_shows_what_the_standard_one_shows():
    assert repr(Point(1, label="hidden")) == "Point(x=1, y=0)" == repr(StandardPoint(1)).removeprefix("Standard")
    assert repr(Nothing()) == "Nothing()"


def test_equal_values_are_equal_and_hash_alike():
    assert Point(1, 2, label="a") == Point(1, 2, label="b")
    assert hash(Point(1, 2, label="a")) == hash(Point(1, 2, label="b")) == hash(StandardPoint(1, 2))
    assert Point(1, 2) != Point(2, 1)
    assert Point(1, 2) != (1, 2)
    assert Point(1, 2) != StandardPoint(1, 2)
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(())
    assert hash(Settled(0.5)) == hash(Settled(0.5))
    assert Settled(0.5) in {Settled(0.5)}
    with pytest.raises(TypeError, match="unhashable"):
        hash(Base(name="a"))


def test_nan_equals_itself_as_in_a_tuple():
    value = Settled(float("nan"))
    assert value == copy.copy(value)


def test_without_eq_each_instance_is_only_itself():
    assert Identity(1) != Identity(1)
    assert len({Identity(1), Identity(1)}) == 2


def test_method_that_the_class_has_is_kept():
    assert repr(Own(1)) == "mine"
    assert Own(1) == Own(2)
    assert hash(Own(1)) == 7


def test_nothing_can_be_set_or_deleted():
    value = Point(1)
    for change in (lambda: setattr(value, "x", 2), lambda: setattr(value, "z", 2), lambda: delattr(value, "x")):
        with pytest.raises(dataclasses.FrozenInstanceError, match="cannot (assign to|delete) field '[xz]'"):
            change()
    assert value.x == 1
    assert not hasattr(value, "__dict__")


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_gives_the_value_back(protocol):
    value = Derived(name="a", tags={"b": 1}, extra=1.5)
    assert pickle.loads(pickle.dumps(value, protocol)) == value


def test_copies_are_equal_and_only_a_deep_one_shares_nothing():
    value = Derived(name="a", tags={"b": 1})
    assert copy.copy(value) == value == copy.deepcopy(value)
    assert copy.copy(value).tags is value.tags
    assert copy.deepcopy(value).tags is not value.tags


def test_match_takes_positions_of_what_may_be_given_by_position():
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)
    assert Base.__match_args__ == ()
    assert Point.__match_args__ == StandardPoint.__match_args__


def test_post_init_sees_the_fields_and_may_refuse_them():
    assert Settled(0.5).share == 0.5
    with pytest.raises(ValueError, match="at most 1"):
        Settled(1.5)


@pytest.mark.parametrize(("given", "words"), [
    (Base, "Base() needs 'name'"),
    (lambda: Base(name="a", sise=1), "Base() has no field 'sise'"),
    (lambda: Base(nane="a"), "Base() needs 'name' and has no field 'nane'"),
    (lambda: Base("a"), "Base() takes 0 values by position, not 1"),
    (lambda: Point(1, 2, 3), "Point() takes 2 values by position, not 3"),
    (lambda: Point(1, x=2), "Point() got 'x' twice"),
    (lambda: Nothing(1), "Nothing() takes 0 values by position, not 1"),
])  # fmt: skip
def test_wrong_arguments_are_named(given, words):
    with pytest.raises(TypeError) as refused:
        given()
    assert str(refused.value) == words


def _decorated(namespace: dict[str, Any], *bases: type, **options: Any) -> type:
    return dataclass(**{"frozen": True, "slots": True, **options})(type("Made", bases, namespace))


@pytest.mark.parametrize(("error", "words", "make"), [
    (TypeError, "frozen classes with slots", lambda: _decorated({}, frozen=False)),
    (TypeError, "frozen classes with slots", lambda: _decorated({}, slots=False)),
    (ValueError, "mutable default", lambda: _decorated({"__annotations__": {"x": "list"}, "x": []})),
    (TypeError, "no type annotation", lambda: _decorated({"x": dataclasses.field(default=1)})),
    (TypeError, "non-default argument 'y' follows", lambda: _decorated({"__annotations__": {"x": "int", "y": "int"}, "x": 1})),
    (TypeError, "non-frozen", lambda: _decorated({}, dataclasses.make_dataclass("Open", ["x"]))),
    (TypeError, "InitVar", lambda: _decorated({"__annotations__": {"x": "InitVar[int]"}})),
    (TypeError, "KW_ONLY", lambda: _decorated({"__annotations__": {"_": "dataclasses.KW_ONLY"}})),
    (TypeError, "init=False", lambda: _decorated({"__annotations__": {"x": "int"}, "x": dataclasses.field(init=False, default=1)})),
])  # fmt: skip
def test_class_that_is_no_value_is_refused(error, words, make):
    with pytest.raises(error, match=words):
        make()


def test_order_of_defaults_is_free_where_fields_are_given_by_name():
    made = _decorated({"__annotations__": {"x": "int", "y": "int"}, "x": 1}, kw_only=True)
    assert made(y=2).x == 1


@pytest.mark.parametrize("annotation", ["ClassVar[int]", "ClassVar", "typing.ClassVar[int]", ClassVar[int], ClassVar])
def test_class_variable_is_known_however_it_is_written(annotation):
    made = _decorated({"__annotations__": {"x": annotation}, "x": 1})
    assert dataclasses.fields(made) == ()
    assert made.x == 1


def test_pydantic_validates_a_value_as_it_validates_a_standard_dataclass():
    adapter = pytest.importorskip("pydantic").TypeAdapter(Rule)
    made = adapter.validate_python({"factor": "3", "point": {"x": 4}})
    assert made == Rule(factor=3.0, point=Point(4))
    assert type(made) is Rule
    with pytest.raises(ValueError, match="factor"):
        adapter.validate_python({"factor": "three"})


def test_class_that_is_abstract_stays_so():
    import abc

    class Plain(abc.ABC):
        @abc.abstractmethod
        def area(self) -> float: ...

    abstract = dataclass(frozen=True, slots=True)(Plain)
    with pytest.raises(TypeError, match="abstract"):
        abstract()


def test_making_a_class_takes_a_fraction_of_the_standard_decorator():
    namespace = {"__annotations__": dict.fromkeys("abcdefgh", "int"), "__module__": __name__}

    def seconds(decorate: Any) -> float:
        plain = [type("Made", (), dict(namespace)) for _ in range(20)]
        begun = time.process_time()
        for one in plain:
            decorate(one)
        return time.process_time() - begun

    ours = min(seconds(dataclass(frozen=True, slots=True)) for _ in range(3))
    assert ours < seconds(dataclasses.dataclass(frozen=True, slots=True)) / 4
