"""What is wrong with a configuration file, in words of the catalogue, and what of the file can be read all the same.

pydantic finds every wrong key at once and says so in English; here each kind of mistake becomes a `Reason`. To go on to the
files that the sound keys name, the wrong ones are taken out of the tree: a default stands in their place, or, where there is
none, something that fits the form and is not to be looked at (`STAND_INS`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.core.reasons import Reason, because

Tree = dict[str, Any]
Place = tuple[int | str, ...]

_PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "missing": (),
        "no_scanner": (),
        "extra_forbidden": (),
        "string_type": (),
        "path_type": (),
        "int_type": (),
        "float_type": (),
        "bool_type": (),
        "datetime_type": (),
        "timezone_aware": (),
        "tuple_type": (),
        "model_type": (),
        "model_attributes_type": (),
        "string_pattern_mismatch": (),
        "greater_than": ("gt",),
        "greater_than_equal": ("ge",),
        "less_than_equal": ("le",),
        "string_too_short": ("min_length",),
        "string_too_long": ("max_length",),
        "too_short": ("min_length",),
        "too_long": ("max_length",),
        "literal_error": ("expected",),
        "enum": ("expected",),
        # our own (`forms.wrong`)
        "no_range": (),
        "not_loopback": (),
        "no_url": (),
        "password_here": (),
        "disk_order": (),
        "file_fits": (),
        "level_b_b": (),
        "list_keys": (),
        "no_token_name": (),
        "one_source": (),
        "password_with_file": (),
        "object_id_of_token": (),
        "unknown_token": ("value",),
        "twice": ("key", "value"),
        "one_port": ("key", "other", "port"),
    }
)
"""Kinds of mistakes that have words of their own (`why.<kind>`), and what fills them."""
KINDS: Final = frozenset(_PARAMETERS)
_PORTS: Final = (("office_api", "port"), ("peer", "port"), ("admin", "port"))
STAND_INS: Final[Mapping[str, object]] = MappingProxyType({"gateway.id": "unread", "registry.sha256": "0" * 64})
"""For keys without a default; of the others all are paths."""
ROUNDS_MAX: Final = 5
"""Taking out wrong keys can bring to light what was not looked at before: what is missing, then what does not fit together."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing that is wrong with a configuration file."""

    path: str
    """Of the key: `office_api.port`."""
    kind: str
    """What kind of mistake, in pydantic's words: `missing`, `extra_forbidden` ..."""
    reason: Reason


def problems_of(error: ValidationError) -> tuple[ConfigProblem, ...]:
    """Every wrong key."""
    found = [ConfigProblem(_key(one), one["type"], _reason(one)) for one in error.errors(include_input=False)]
    # A list without its wrong members is too short: that is not the mistake.
    return tuple(
        one
        for one in found
        if one.kind != "too_short" or not any(other.path.startswith(f"{one.path}.") for other in found)
    )


def without_problems(tree: Tree, error: ValidationError, unread: set[str]) -> Tree:
    """The tree without its wrong keys, and with a stand-in for each that is missing; their paths join `unread`."""
    for one in error.errors(include_input=False):
        for place in _places(one):
            unread.add(dotted(place))
            tree = _with(tree, place, _stand_in(place)) if one["type"] == "missing" else _without(tree, place)
    return tree


def dotted(place: Iterable[int | str]) -> str:
    """A place as people name it: `access.keys.0.id`."""
    return ".".join(map(str, place))


def _key(one: ErrorDetails) -> str:
    return str(one.get("ctx", {}).get("key") or dotted(one["loc"]))


def _reason(one: ErrorDetails) -> Reason:
    kind, context = one["type"], one.get("ctx", {})
    if kind not in _PARAMETERS:
        return because("other", detail=one["msg"])
    return because(kind, **{name: str(context[name]).replace(" or ", ", ") for name in _PARAMETERS[kind]})


def _places(one: ErrorDetails) -> tuple[Place, ...]:
    """The keys to take out; of an entry in a list the whole list."""
    if one["type"] == "one_port":
        return _PORTS
    place = one["loc"]
    return (place[: next((step for step, name in enumerate(place) if isinstance(name, int)), len(place))],)


def _stand_in(place: Place) -> object:
    return {} if len(place) == 1 else STAND_INS.get(dotted(place), "unread")


def _with(tree: Tree, place: Place, value: object) -> Tree:
    head, *rest = place
    return {**tree, str(head): _with(tree.get(str(head), {}), tuple(rest), value) if rest else value}


def _without(tree: Tree, place: Place) -> Tree:
    head, *rest = place
    if head not in tree:
        return tree
    if not rest:
        return {name: value for name, value in tree.items() if name != head}
    return {**tree, str(head): _without(tree[str(head)], tuple(rest))}
