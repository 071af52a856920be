"""What `make bench` runs: the way of a document between two real gateways, beside the cryptography that it cannot do without.

After that edXML by itself: files written and read, beside what lxml and base64 alone take for the same bytes.

Absolute figures are the machine's; what counts is the ratio of the two, taken in one run on the same cores.
"""
