"""`python -m tumorscope`: hand over to the command line."""

from tumorscope.cli import main

if __name__ == "__main__":
    main(prog_name="python -m tumorscope")
