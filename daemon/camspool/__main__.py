"""`python -m camspool` is the command `camspool`."""

from camspool.cli import main

if __name__ == "__main__":
    main(prog_name="camspool")
