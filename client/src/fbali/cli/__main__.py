"""Lets `python -m fbali.cli` be `fbali`."""

from fbali.cli.main import main

if __name__ == "__main__":
    main()
