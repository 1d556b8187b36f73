"""`python -m phaseledger` is the program."""

import os
import sys

from . import find_binary

if __name__ == "__main__":
    os.execv(find_binary(), ["phaseledger", *sys.argv[1:]])
