"""Papers: a verification as a person or a program reads it. `paper` says what a report is made of, whatever draws it."""
