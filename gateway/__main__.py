"""`python -m gateway` and the script `gateway`: the command line, and nothing else."""

import sys

from gateway.cli import main

if __name__ == "__main__":
    sys.exit(main())
