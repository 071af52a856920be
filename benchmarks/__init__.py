"""What `make bench` runs: the way of a document between two real gateways, beside the cryptography that it cannot do without.

Absolute figures are the machine's; what counts is the ratio of the two, taken in one run on the same cores.
"""
