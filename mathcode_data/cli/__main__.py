"""`python -m mathcode_data.cli`."""

from mathcode_data.cli import main

main()
