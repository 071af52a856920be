"""Which branches of the readers an input reaches: their modules are loaded with a mark in each (PEP 302, PEP 451)."""

import ast
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Final, TypeVar

_HITS: Final = "_branch_hits_"
_Body = TypeVar("_Body", bound=ast.AST)


class Branches:
    """The marks of all modules, and those that were passed since the last look."""

    def __init__(self) -> None:
        self.hits: Final = bytearray()

    def mark(self) -> int:
        """A new one."""
        self.hits.append(0)
        return len(self.hits) - 1

    def taken(self) -> list[int]:
        """What was passed since the last look."""
        found = [number for number, hit in enumerate(self.hits) if hit]
        self.hits[:] = bytes(len(self.hits))
        return found

    def watch(self, *packages: str) -> None:
        """Load these packages with marks; none of them may have been loaded yet."""
        assert not [name for name in sys.modules if name.startswith(packages)], "loaded too early"
        sys.meta_path.insert(0, _Finder(self, packages))


class _Finder(MetaPathFinder):
    def __init__(self, branches: Branches, packages: tuple[str, ...]) -> None:
        self._branches = branches
        self._packages = packages

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(self._packages):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path, self._branches)
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, branches: Branches) -> None:
        super().__init__(fullname, path)
        self._branches = branches

    def get_code(self, fullname: str) -> CodeType:
        """From the source, never from the cache."""
        tree = ast.parse(self.get_data(self.path))
        marked = ast.fix_missing_locations(_Marker(self._branches).visit(tree))
        return compile(marked, self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__[_HITS] = self._branches.hits
        super().exec_module(module)


class _Marker(ast.NodeTransformer):
    """A mark at the beginning of each body, and at each expression that may or may not be looked at."""

    def __init__(self, branches: Branches) -> None:
        self._branches = branches

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """A function, after its docstring."""
        self.generic_visit(node)
        node.body.insert(1 if ast.get_docstring(node, clean=False) is not None else 0, self._statement())
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        """Both ways, whether or not there is an `else`."""
        self.generic_visit(node)
        node.body.insert(0, self._statement())
        node.orelse.insert(0, self._statement())
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        """At least one round."""
        return self._inside(node, node.body)

    def visit_While(self, node: ast.While) -> ast.AST:
        """At least one round."""
        return self._inside(node, node.body)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        """It was raised."""
        return self._inside(node, node.body)

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        """It matched."""
        return self._inside(node, node.body)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """Both ways."""
        self.generic_visit(node)
        node.body, node.orelse = self._expression(node.body), self._expression(node.orelse)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """Each part that is not always looked at."""
        self.generic_visit(node)
        node.values[1:] = [self._expression(value) for value in node.values[1:]]
        return node

    def _inside(self, node: _Body, body: list[ast.stmt]) -> _Body:
        self.generic_visit(node)
        body.insert(0, self._statement())
        return node

    def _statement(self) -> ast.stmt:
        return ast.parse(f"{_HITS}[{self._branches.mark()}] = 1").body[0]

    def _expression(self, value: ast.expr) -> ast.expr:
        mark = ast.parse(f"{_HITS}.__setitem__({self._branches.mark()}, 1)", mode="eval").body
        return ast.BoolOp(op=ast.Or(), values=[mark, value])  # setting gives None: what comes of it is the value
