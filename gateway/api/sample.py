"""The example of an operation as a command that can be pasted into a shell."""

import json
import shlex
from collections import defaultdict
from urllib.parse import urlencode

from gateway.api.openapi import examples
from gateway.api.operation import Operation
from gateway.api.submission import FORM


def curl(row: Operation) -> str:
    """`curl` with the variables of docs/API.md: `$GATEWAY` the address, `$CA` the root certificate, `$KEY` the API key."""
    shown = examples().get(row.name, {})
    address = row.path.format_map(defaultdict(str, shown.get("path", {})))
    if shown.get("query"):
        address += "?" + urlencode(shown["query"])
    words = ['curl --cacert "$CA"']
    if row.scope is not None:
        words.append('-H "Authorization: Bearer $KEY"')
    if not row.reads:
        words.append("-X POST")
    words += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in shown.get("headers", {}).items()]
    if FORM in row.takes and shown:
        metadata = json.dumps(shown["metadata"], ensure_ascii=False)
        words.append(f"-F {shlex.quote(f'metadata={metadata};type=application/json')}")
        words += [f"-F {shlex.quote(f'file=@{name};type={kind}')}" for name, kind in shown["files"]]
    elif "body" in shown:
        words.append("-H 'Content-Type: application/json'")
        words.append(f"--data {shlex.quote(json.dumps(shown['body'], ensure_ascii=False))}")
    elif not row.reads:
        words.append("--data ''")
    return " \\\n  ".join([*words, f'"$GATEWAY{address}"'])
