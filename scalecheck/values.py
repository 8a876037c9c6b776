"""``@dataclass`` for the values that travel, made without the code that the standard decorator writes and compiles.

``dataclasses.dataclass(frozen=True, slots=True)`` compiles six methods per class from text, about a millisecond, and a launch that
passes makes some eighty such classes: a tenth of a small app's start. Here the methods are shared, or closures over the class's fields,
and a class takes some forty microseconds. What comes out is a dataclass all the same, for ``fields``, ``replace``, ``asdict``, ``match``,
pydantic, pickle, copy and type checkers.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field
from functools import cache
from itertools import pairwise
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, ClassVar

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool, slots: bool, kw_only: bool = False, eq: bool = True) -> Callable[[type], type]:
        """Return the decorator of a frozen dataclass with slots; the arguments are those of the standard one.

        A method that the class has itself is kept. Each field is one of ``__init__``; there is no ``InitVar`` and no ``KW_ONLY``.

        Raises:
            TypeError: what is asked for, or the class, is no frozen dataclass with slots.
            ValueError: a default that can change.
        """
        if not (frozen and slots):
            message = "scalecheck.values.dataclass makes frozen classes with slots; for any other use dataclasses.dataclass."
            raise TypeError(message)
        return lambda plain: _made(plain, kw_only=kw_only, eq=eq)


@dataclasses.dataclass(init=False, repr=False, eq=False)
class _Standard:
    """What the standard decorator leaves on a class and on its fields has no public name, so it is taken from here."""

    own: int
    shared: ClassVar[int] = 0


_FIELDS, _PARAMS = "__dataclass_fields__", "__dataclass_params__"
_OWN, _SHARED = (field._field_type for field in vars(_Standard)[_FIELDS].values())  # noqa: SLF001 - as said above


@cache
def _params(kw_only: bool, eq: bool) -> Any:
    params = copy.copy(vars(_Standard)[_PARAMS])
    for name, value in {"init": True, "repr": True, "eq": eq, "frozen": True, "kw_only": kw_only, "slots": True}.items():
        if hasattr(params, name):  # the last two from Python 3.12 on
            setattr(params, name, value)
    return params


def _made(plain: Any, *, kw_only: bool, eq: bool) -> Any:
    """Return the class made again: with slots, which only a new class can get, with its fields, and with the methods of a value."""
    own = dict(vars(plain))
    fields = _inherited(plain)
    slots = []
    for name, annotation in plain.__annotations__.items():
        field = _field(name, annotation, own, kw_only=kw_only)
        if field._field_type is _OWN and name not in fields:  # noqa: SLF001 - as said at _Standard
            slots.append(name)
        fields[name] = field
    own.pop("__dict__", None)
    own.pop("__weakref__", None)
    own |= {"__slots__": tuple(slots), "__qualname__": plain.__qualname__, "__doc__": plain.__doc__ or plain.__name__}
    own |= {_FIELDS: fields, _PARAMS: _params(kw_only, eq)}
    given = [field for field in fields.values() if field._field_type is _OWN]  # noqa: SLF001
    own["__match_args__"] = _by_position(given)
    made = type(plain)(plain.__name__, plain.__bases__, _METHODS | own)
    _complete(made, own, given, eq=eq)
    return made


def _inherited(plain: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for base in plain.__mro__[:0:-1]:
        if _FIELDS in vars(base):
            if not getattr(base, _PARAMS).frozen:
                message = f"cannot inherit frozen dataclass from a non-frozen one, {base.__qualname__}"
                raise TypeError(message)
            fields |= getattr(base, _FIELDS)
    return fields


def _field(name: str, annotation: Any, own: dict[str, Any], *, kw_only: bool) -> Any:
    """Return the field of an annotation and take its default out of the class, where its slot will be."""
    kind = _kind(annotation)
    if kind == "ClassVar":
        field: Any = dataclasses.field(default=own.get(name, MISSING))
    else:
        default = own.pop(name, MISSING)
        field = default if isinstance(default, Field) else dataclasses.field(default=default)
        if field.kw_only is MISSING:
            field.kw_only = kw_only
        _check(name, kind, field)
    field.name, field.type = name, annotation
    field._field_type = _SHARED if kind == "ClassVar" else _OWN  # noqa: SLF001 - as said at _Standard
    return field


def _kind(annotation: Any) -> str:
    """Return the name of an annotation without its module and arguments; nearly all are text here, as annotations are not evaluated."""
    return (annotation if isinstance(annotation, str) else repr(annotation)).partition("[")[0].rpartition(".")[2]


def _check(name: str, kind: str, field: Any) -> None:
    if kind in ("InitVar", "KW_ONLY") or not field.init:
        message = f"{name!r}: scalecheck.values.dataclass has no {'init=False' if not field.init else kind}"
        raise TypeError(message)
    if field.default.__class__.__hash__ is None:
        message = f"mutable default {type(field.default)} for field {name} is not allowed: use default_factory"
        raise ValueError(message)


def _complete(made: Any, own: Mapping[str, Any], fields: Sequence[Field[Any]], *, eq: bool) -> None:
    """Add the methods that know the fields. A class with an ``__eq__`` of its own has a ``__hash__`` of ``None`` unless it has one too."""
    stray = [name for name, value in own.items() if isinstance(value, Field)]
    if stray:
        message = f"{stray[0]!r} is a field but has no type annotation"
        raise TypeError(message)
    if "__init__" not in own:
        made.__init__ = _initialiser(made, fields)
    if not eq:
        return
    values = hashed = _getter([field.name for field in fields if field.compare])
    if "__eq__" not in own:
        made.__eq__ = lambda self, other: values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented
    if own.get("__hash__") is None:
        if any(field.hash is not None for field in fields):
            hashed = _getter([field.name for field in fields if (field.compare if field.hash is None else field.hash)])
        made.__hash__ = lambda self: hash(hashed(self))


def _by_position(fields: Iterable[Field[Any]]) -> tuple[str, ...]:
    """Return the names of the fields that may be given by position.

    Raises:
        TypeError: one without a default follows one that has one.
    """
    found = [field for field in fields if not field.kw_only]
    for before, field in pairwise(found):
        if _has_default(before) and not _has_default(field):
            message = f"non-default argument {field.name!r} follows default argument"
            raise TypeError(message)
    return tuple([field.name for field in found])


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _getter(names: list[str]) -> Callable[[Any], Any]:
    """Return what gives a tuple of attributes; ``attrgetter`` gives one only from two names on."""
    return attrgetter(*(names * 2 if len(names) == 1 else names)) if names else lambda _: ()


def _initialiser(made: Any, fields: Sequence[Field[Any]]) -> Callable[..., None]:
    puts = [(field.name, getattr(made, field.name).__set__) for field in fields]
    defaults = {field.name: field.default for field in fields if field.default is not MISSING}
    factories = [(field.name, field.default_factory) for field in fields if field.default_factory is not MISSING]
    settles = hasattr(made, "__post_init__")
    count = len(fields)

    def __init__(self: Any, /, *args: Any, **given: Any) -> None:  # noqa: N807 - it is one
        if args:
            _take(made, args, given)
        for name, factory in factories:
            if name not in given:
                given[name] = factory()
        values = {**defaults, **given}
        if len(values) != count:
            raise TypeError(_misfit(made, fields, values))
        try:
            for name, put in puts:
                put(self, values[name])
        except KeyError:  # one that is missing, and one that is no field
            raise TypeError(_misfit(made, fields, values)) from None
        if settles:
            self.__post_init__()

    return __init__


def _take(made: Any, args: tuple[Any, ...], given: dict[str, Any]) -> None:
    by_position = made.__match_args__
    if len(args) > len(by_position):
        message = f"{made.__qualname__}() takes {len(by_position)} values by position, not {len(args)}"
        raise TypeError(message)
    for name, value in zip(by_position, args, strict=False):
        if name in given:
            message = f"{made.__qualname__}() got {name!r} twice"
            raise TypeError(message)
        given[name] = value


def _misfit(made: Any, fields: Sequence[Field[Any]], values: Mapping[str, Any]) -> str:
    known = [field.name for field in fields]
    missing = [name for name in known if name not in values]
    wrong = [f"has no field {name!r}" for name in values if name not in known]
    return f"{made.__qualname__}() {' and '.join([f'needs {name!r}' for name in missing] + wrong)}"


def _names(value: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(value)]


@recursive_repr()
def _repr(self: Any) -> str:
    shown = [f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr]
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_to_set(_: Any, name: str, __: Any) -> None:
    message = f"cannot assign to field {name!r}"
    raise dataclasses.FrozenInstanceError(message)


def _refuse_to_delete(_: Any, name: str) -> None:
    message = f"cannot delete field {name!r}"
    raise dataclasses.FrozenInstanceError(message)


def _state(self: Any) -> list[Any]:
    return [getattr(self, name) for name in _names(self)]


def _put_state(self: Any, state: list[Any]) -> None:
    for name, value in zip(_names(self), state, strict=True):
        object.__setattr__(self, name, value)


def _replaced(self: Any, /, **changes: Any) -> Any:
    return dataclasses.replace(self, **changes)


_METHODS = {
    "__repr__": _repr,
    "__setattr__": _refuse_to_set,
    "__delattr__": _refuse_to_delete,
    "__getstate__": _state,
    "__setstate__": _put_state,
    "__replace__": _replaced,  # copy.replace, from Python 3.13 on
}
