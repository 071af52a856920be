"""Message kinds of the format, one file each: how its header is written, read and checked."""
