"""The command line, as `python -m poseharvest`."""

from poseharvest.cli.app import main

if __name__ == "__main__":
    main()
