"""Fuzzing of the readers: files that nobody thought of, made from the vectors, by what they reach in the code.

A *parent* starts a *child*, watches it and keeps what it found; a child that dies, hangs or runs out of memory is itself a
finding, and the next one goes on with the corpus. The child marks every branch of `gateway.safe_xml` and `gateway.edxml`
(`branches`), takes a file of the corpus, changes it (`mutation`, `archives`), reads it in every way that the house knows and
holds the readings against each other and against a third one (`target`), and keeps a changed file that reached something new.

    make fuzz                                        ten minutes for each target
    python -m tests.kit.fuzz --seconds 60 --seed 7   less
    python -m tests.kit.fuzz --target crypto         every entry of crypto that takes bytes, instead of the readers of edXML
    python -m tests.kit.fuzz --target cades          detached signatures, by changes of their ASN.1
    python -m tests.kit.fuzz replay FILE             what that file does
    python -m tests.kit.fuzz shrink FILE             the same with as few bytes as will do it

Why not an engine from outside: the one for Python (atheris) is 35 MB for one processor and one system, in different versions
for the Pythons we support, ends at the first finding, and its strength, comparing inside C code, does not reach into lxml.
What matters here is to change structure, base64 and archives rather than bytes, and that is ours to write either way.
"""
