"""The commands: parse, call, print.

`grammar` declares every command with its options and nothing more; `lazy` is the one place that imports what a command
needs, when it is called, so that `gateway version` and `--help` start in under 0.3 s. Behind it stand one file per noun:
`office` (send, release, inbox, get, accept, refuse: over HTTPS, like any office), `trace` (the story, and with `outcome`
how it stands), `verify` (a file, without service or database), `audit` (a whole installation, read-only), `apikey` (makes
a key, changes nothing), `serve` and `demo`.

Rules: stdout is data, stderr is talk; `--json` turns any data into one JSON value; texts stand in the catalogue, in both
languages; what strangers wrote (subjects, names, problem details) reaches a terminal only without control characters;
an API key is read from the environment or a file, never from the command line, where every user of the machine sees it.

When something fails: every error a person can meet is told in three lines (what happened, why, what to do), each with one
exit code of `errors.Exit`; `errors.exit_code` is the only place that knows which. With `--json` the same stands on stdout
as `{"error": …}`, and a file that `verify` could not read has its `error` in the list of files. A fault of our own becomes
exit 70 with an id and a file that holds the trace. Ctrl-C ends with 130 and says nothing. A command that was cut off may
be repeated.
"""

from gateway.cli.main import main

__all__ = ["main"]
