"""The commands: parse, call, print. What holds for all of them is told to users in docs/CLI.md, and promised there.

`grammar` declares every command with its options and nothing more, one row each in `grammar.table`; `lazy` is the one place
that imports what a command needs, when it is called, so that `gateway version` and `--help` start in under 0.3 s. Behind it
stand one file per noun: `office` (send, release, inbox, get, accept, refuse: over HTTPS, like any office), `sent` (documents)
and `registry` (org), both with `paging`; `amendments` (recall, replace, update, agree, decline) and `board` (who has it);
`rehearsal` (`--dry-run`: only reads), `trace` (the story, and with `outcome` how it stands), `verify` (a file, without service
or database), `audit` (a whole installation), `proof` (the log's head, and proofs for strangers), `edxml` (files in hand, a
folder of its own), `queue` (list) and `by_hand` (all that changes it, done by the service itself over its socket), `backup`
(and restore), `configuration` (show) and `preflight` (check), `apikey` (makes a key, changes nothing), `serve`, `demo`, and
`completion` with `shells`. What operators and officers look at is opened read-only, beside the running service
(`gateway.outside`).

Rules: stdout is data, stderr is talk; `--json` turns any data into one JSON value of the form in docs/cli.schema.json;
texts stand in the catalogue, in both languages, typer's own words included (`grammar.pages`, `usage`); what strangers wrote
(subjects, names, problem details) acts on no terminal (`core.plain_text`); standard input is read once
(`stdin`), and nothing is asked of whoever may not be asked; an API key is read from the environment, a file or standard
input, never from the command line, where every user of the machine sees it.

When something fails: every error a person can meet is told in three lines (what happened, why, what to do), each with one
exit code of `exits.Exit`; `exits.exit_code` is the only place that knows which. With `--json` the same stands on stdout
as `{"error": …}`, and a file that `verify` could not read has its `error` in the list of files. A fault of our own becomes
exit 70 with an id and a file that holds the trace. Ctrl-C ends with 130 and says nothing, a reader that has enough with 141.
A command that was cut off may be repeated.
"""

from gateway.cli.main import main

__all__ = ["main"]
