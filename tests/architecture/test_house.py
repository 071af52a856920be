"""The house rules that no linter knows, read off the sources (style.md 3.17). Each failure names the file and the line."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gateway

ROOT = Path(gateway.__file__).parent
FILES = sorted(path for path in ROOT.rglob("*.py"))
ROOMS = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
POSITIONAL_MAX = 6  # five parameters and self

# The three borders of house.md where anything may be caught: the doors, the worker loops, the edge of a plug-in.
BROAD_EXCEPT = {
    "api/border.py": "door",
    "api/local_border.py": "door",
    "peer/server.py": "door",
    "delivery/engine.py": "worker loop",
    "observe/threads.py": "worker loop",
    "storage/attempts.py": "worker loop",
    "storage/group_commit.py": "worker loop",
    "storage/postgres.py": "worker loop",
    "storage/sqlite.py": "worker loop",
    "crypto/processes/worker_child.py": "worker loop",
    "crypto/edge.py": "plug-in edge: libraries that read hostile files",
    "cli/errors.py": "door",
    "cli/main.py": "door",
}
CLOCKS = {
    "observe/clock.py": "it is the clock",
    "crypto/processes/workers.py": "how long a real process really takes: a world that jumps makes no judge slow",
}
# Modules that load others by name, where no import contract can see it.
LOADERS = {
    "__main__.py": "Ctrl-C counts before the rest is loaded",
    "crypto/processes/answers.py": "value classes of the house, named by a child of the house",
    "storage/schema.py": "Alembic, which a database of this program's version does not need",
    "crypto/keys/tokens.py": "the optional extra `pkcs11`, in the child that holds a token",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def trees() -> Iterator[tuple[str, str, ast.Module]]:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        yield name_of(path), text, ast.parse(text)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_files_and_functions_stay_small() -> None:
    long = [f"{name}: {text.count(chr(10))} lines" for name, text, _ in trees() if text.count("\n") > FILE_LINES_MAX]
    for name, _, tree in trees():
        for function in functions(tree):
            lines = (function.end_lineno or 0) - function.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                long.append(f"{name}:{function.lineno} {function.name}: {lines} lines")
            if len(function.args.args) + len(function.args.posonlyargs) > POSITIONAL_MAX:
                long.append(f"{name}:{function.lineno} {function.name}: too many positional parameters")
    assert long == []


def test_imports_stand_at_the_top() -> None:
    """None inside a function (but in the one lazy file), none behind TYPE_CHECKING."""
    found = []
    for name, text, tree in trees():
        if "TYPE_CHECKING" in text:
            found.append(f"{name}: TYPE_CHECKING")
        if name == "cli/lazy.py":
            continue
        for function in functions(tree):
            found += [
                f"{name}:{node.lineno}" for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)
            ]
    assert found == []


def test_modules_are_loaded_by_name_in_named_places_only() -> None:
    loads = {"import_module", "__import__", "exec", "eval", "run_module", "run_path"}
    named = {
        (name, node.id if isinstance(node, ast.Name) else node.attr)
        for name, _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    }
    assert {name for name, called in named if called in loads} == LOADERS.keys()


def imports_of(name: str, tree: ast.Module, modules: set[str]) -> set[str]:
    """The modules of the house that a module names, wherever in it: also in a function, where a knot is only hidden."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            whole = {f"{node.module}.{one.name}" for one in node.names}
            found |= (whole & modules) | ({node.module} if whole - modules else set())
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return (found & modules) - {name}


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Not within a room either, where import-linter does not look, and not hidden in a function (`cli.lazy`)."""
    named = {
        ".".join(("gateway", *Path(name).with_suffix("").parts)).removesuffix(".__init__"): tree
        for name, _, tree in trees()
    }
    left = {name: imports_of(name, tree, set(named)) for name, tree in named.items()}
    while free := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in free:
            del left[name]
    in_knots = set(left)
    while outer := [name for name in in_knots if not any(name in left[other] for other in in_knots)]:
        in_knots -= set(outer)
    assert sorted(in_knots) == []


def test_broad_excepts_stand_at_named_borders_only() -> None:
    found = []
    for name, _, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            kinds = [node.type] if not isinstance(node.type, ast.Tuple) else node.type.elts
            broad = any(kind is None or getattr(kind, "id", "") in {"Exception", "BaseException"} for kind in kinds)
            reraises = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
            if broad and not reraises and name not in BROAD_EXCEPT:
                found.append(f"{name}:{node.lineno}")
    assert found == []


def test_rooms_meet_at_front_doors() -> None:
    """`from gateway.crypto import seal_pdf`, never `from gateway.crypto.pades import ...`; core has no door."""
    found = []
    for name, _, tree in trees():
        own = name.split("/", 1)[0]
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("gateway."):
                room, _, inside = node.module.removeprefix("gateway.").partition(".")
                if inside and room in ROOMS - {"core", own} and not name.startswith("cli/lazy"):
                    found.append(f"{name}:{node.lineno} {node.module}")
    assert found == []


def test_every_room_opens_with_an_essay_and_lists_its_front_door() -> None:
    for room in sorted(ROOMS):
        module = importlib.import_module(f"gateway.{room}")
        assert module.__doc__, room
        assert len(module.__doc__) > 200, f"{room}: what it does, its rules, its failure story"
        if room != "core":
            names = module.__all__
            assert len(set(names)) == len(names), room
            assert all(hasattr(module, name) for name in names), room


def test_only_safe_xml_calls_a_parser() -> None:
    calls = re.compile(r"\b(XMLParser|XMLPullParser|HTMLParser|iterparse|fromstring|fromstringlist|XML)\(")
    found = [
        f"{name}:{number}"
        for name, text, _ in trees()
        if not name.startswith("safe_xml/") and ("lxml" in text or "ElementTree" in text)
        for number, line in enumerate(text.splitlines(), 1)
        if calls.search(line)
    ]
    assert found == []


def test_time_comes_from_the_clock() -> None:
    """One source of time, so that a seeded world can jump it. The demo stands outside and may look at the wall."""
    reads = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|time\.(time|monotonic)|asyncio\.sleep)\(")
    found = [
        f"{name}:{number}"
        for name, text, _ in trees()
        if name not in CLOCKS and not name.startswith(("demo/", "cli/"))
        for number, line in enumerate(text.splitlines(), 1)
        if reads.search(line)
    ]
    assert found == []


def test_no_link_is_kept_in_the_tree() -> None:
    """A link that leads somewhere on one machine breaks the clone on every other."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT.parent), "ls-files", "--stage"], capture_output=True, text=True, check=False
    )
    assert [line for line in listed.stdout.splitlines() if line.startswith("120000")] == []


def test_what_comes_into_force_does_so_by_one_unit() -> None:
    """At start and at a reload: an edition without its keys, or the keys of another, must not be in force."""
    calls = [
        (name, node.func.id)
        for name, _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert [name for name, called in calls if called == "declaring"] == ["reload.py"]
    assert sorted(name for name, called in calls if called == "taking_effect") == ["reload.py", "rooms.py"]


def test_nothing_is_left_for_later() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError|HACK)\b")
    found = [
        f"{name}:{number}"
        for name, text, _ in trees()
        for number, line in enumerate(text.splitlines(), 1)
        if words.search(line)
    ]
    assert found == []


def test_importing_everything_does_nothing() -> None:
    """No thread, no child, no open file but the interpreter's own; and every module can be imported first."""
    names = [
        module.name for module in pkgutil.walk_packages([str(ROOT)], "gateway.") if "migrations" not in module.name
    ]
    names = [name for name in names if name != "gateway.__main__"]
    script = (
        "import importlib, threading, multiprocessing, os\n"
        "before = len(os.listdir('/proc/self/fd'))\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "assert not multiprocessing.active_children()\n"
        "assert len(os.listdir('/proc/self/fd')) <= before + 1\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_module_says_what_it_is() -> None:
    assert [name for name, _, tree in trees() if not ast.get_docstring(tree)] == []


REASONED = {
    "noqa": re.compile(r"# noqa: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)* - \w"),
    "type: ignore": re.compile(r"# type: ignore\[[a-z, -]+\]  # .*\w"),
}


def unreasoned(lines: list[str], mark: str) -> list[int]:
    """Lines (from 1) that silence a check without saying why."""
    return [n for n, line in enumerate(lines, 1) if f"# {mark}" in line and not REASONED[mark].search(line)]


def test_whoever_silences_a_check_says_why() -> None:
    """`noqa` everywhere; `type: ignore` wherever mypy reads (elsewhere it says nothing to anybody)."""
    top = ROOT.parent
    everywhere = [path for folder in ("gateway", "tests", "benchmarks") for path in (top / folder).rglob("*.py")]
    typed = [path for path in everywhere if path.is_relative_to(ROOT) or path.is_relative_to(top / "tests" / "kit")]
    silent = [
        f"{path.relative_to(top)}:{line}"
        for mark, paths in (("noqa", everywhere), ("type: ignore", typed))
        for path in paths
        if path != Path(__file__)
        for line in unreasoned(path.read_text(encoding="utf-8").splitlines(), mark)
    ]
    assert not silent, silent


def test_a_silence_without_a_reason_is_found() -> None:
    bare = ["x = 1  # noqa", "x = 1  # noqa: E731", "x = 1  # noqa: E731 - ", "x = 1  # noqa: E731 - so", ""]
    assert unreasoned(bare, "noqa") == [1, 2, 3]
    bare = ["x  # type: ignore", "x  # type: ignore[misc]", "x  # type: ignore[misc]  # so"]
    assert unreasoned(bare, "type: ignore") == [1, 2]
