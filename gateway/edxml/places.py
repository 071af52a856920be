"""Places: every element of an envelope with its path, those included that nobody expects."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from gateway.edxml.block import FRAME, in_path, local_name
from gateway.safe_xml import Element

_LISTS: Final = frozenset({"To", "ResponseFor", "TraceHeader", "Reference", "Attachment"})
"""Elements of which there may be several: numbered even where there is one."""


def places(root: Element) -> Iterator[tuple[Element, tuple[str, ...]]]:
    """Each element below the root, in order, and the steps that lead to it from where paths begin; none to the frame itself."""
    yield root, ()
    yield from _inside(root, ())


def path_of(steps: tuple[str, ...]) -> str:
    """The path of these steps."""
    return "/".join(map(in_path, steps))


def _inside(parent: Element, steps: tuple[str, ...]) -> Iterator[tuple[Element, tuple[str, ...]]]:
    names = [local_name(child) for child in parent]
    several = {name for name, count in Counter(names).items() if count > 1} | _LISTS
    met: Counter[str] = Counter()
    for child, name in zip(parent, names, strict=True):
        met[name] += 1
        step = f"{name}[{met[name]}]" if name in several else name
        inside = () if not steps and name in FRAME else (*steps, step)
        yield child, inside
        yield from _inside(child, inside)
