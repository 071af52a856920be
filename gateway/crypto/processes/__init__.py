"""The child processes in which all that is dangerous runs: `judge` for files, `workers` and `seat` for both kinds."""
