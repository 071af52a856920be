"""The ground floor: the nouns every other room speaks in.

Nothing here reads a file, opens a socket or looks at a clock: values, vocabularies, limits, errors and the
Protocols (`ports`) through which strangers meet. A room may import any module of core directly; core imports no room.

Read `states` for what can happen, `ports` for who promises what.
"""
