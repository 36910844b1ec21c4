"""Fetch the experiments' data files, by hash."""


def add_arguments(parser) -> None:
    parser.add_argument("--check", action="store_true", help="only check what is there")


def run(options) -> int:
    from bitforbit import datasets

    return datasets.command(check=options.check)
