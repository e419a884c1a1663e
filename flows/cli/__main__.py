"""`python -m thoughtmill.flows.cli` is the command `thoughtmill`."""

from thoughtmill.flows.cli.main import main

if __name__ == "__main__":
    main()
