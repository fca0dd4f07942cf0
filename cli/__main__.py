"""`python -m cli`: the same as the console script `brandfarm`."""

from cli.main import main

if __name__ == "__main__":
    main()
