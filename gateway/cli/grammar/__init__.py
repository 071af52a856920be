"""The grammar: every command and option there is. Declared here, done elsewhere (`gateway.cli.lazy`).

`table` has one row for each command; `site`, `evidence`, `trust`, `edxml` and `documents` declare their options, `options`
those that several share; `program` builds the whole and finds the options of the program wherever they stand on a line;
`pages` lays out the helps. Helps are ids of the catalogue, made from the command's name: the words of one language take
their place when somebody has said which language they read.
"""

from gateway.cli.grammar.program import Line, build, hoist, takes_value, translate
from gateway.cli.grammar.table import ROWS, Row

__all__ = ["ROWS", "Line", "Row", "build", "hoist", "takes_value", "translate"]
