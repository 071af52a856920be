"""The commands of `gateway edxml`: edXML files in hand, without service, database or network.

`inspect` shows what a file says and what was noticed of it, `validate` holds it against the regulation and the schema, `pack`
and `answer` make files (by way of `making`), `unpack` takes one apart, `schema` prints what they are held against. What a file
means is `gateway.edxml`'s and `gateway.safe_xml`'s business; here files are opened, streamed and named, and findings are told.

* A file is read in pieces and never stands in memory (`source`, `stores`): half a gigabyte costs what a letter costs.
* What is written appears whole, under its name, or not at all (`written`).
* `form` and `meta` are what `pack` takes and what `unpack` and `inspect` give back, by the same names: a file can go round.
"""
