"""`python -m sr_core` is the same program as `srkit`."""

from sr_core.cli import main

main()
