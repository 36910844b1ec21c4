"""`python -m bitforbit` is `bitforbit`."""

import sys

from bitforbit.cli import main

sys.exit(main())
