# SPDX-License-Identifier: Apache-2.0
"""What the peers share."""
import importlib
import os
import sys

SYSTEM_PYTHON = "/usr/bin/python3"  # has the distribution's modules; another one may hide them


def need(module, name):
    """Imports a module, under the system's Python where this one lacks it; exit 77 without it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        if os.path.exists(SYSTEM_PYTHON) and "ETALON_PEER" not in os.environ:
            os.environ["ETALON_PEER"] = "1"
            os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])
        print(f"{name} is not installed", file=sys.stderr)
        sys.exit(77)
