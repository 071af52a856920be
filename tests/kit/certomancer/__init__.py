"""A PKI declared in one file (`pki.yml`), with OCSP, CRLs and timestamps answered in process, at any moment asked for.

`declared` has certificates, keys and what good services answer; `bad_evidence` and `bad_stamps` have what must not count;
`bundle` is whom to believe. Nothing here opens a socket, looks at a clock or waits.
"""
