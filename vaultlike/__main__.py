"""`python -m vaultlike`: the same as the `vaultlike` console script."""

import sys

from vaultlike.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
