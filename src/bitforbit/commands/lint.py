"""Find what makes a training differ from run to run, without running it."""

import sys


def add_arguments(parser) -> None:
    parser.add_argument("paths", nargs="*", default=["."], help="files and folders; - is standard input (default: .)")
    parser.add_argument("--select", action="append", default=[], metavar="CODE", help="only these codes or prefixes")
    parser.add_argument("--ignore", action="append", default=[], metavar="CODE", help="not these codes or prefixes")
    parser.add_argument(
        "--format", choices=("text", "json", "sarif", "github"), default="text", help="what is printed (default: text)"
    )
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    parser.add_argument("--explain", metavar="CODE", help="print the page of one code")
    parser.add_argument("--list", action="store_true", help="print all codes, a line each")


def run(options) -> int:
    from bitforbit.diagnosis.lint import check, formats, pages

    if options.list:
        print("\n".join(pages.lines()))
        return 0
    if options.explain:
        print(pages.explain(options.explain), end="")
        return 0
    report = check.check(options.paths, _codes(options.select), _codes(options.ignore))
    printed = formats.render(report, options.format)
    # A file's name may hold bytes that are no text.
    sys.stdout.reconfigure(errors="surrogateescape")
    if printed:
        print(printed)
    for line in report.unreadable:
        print(f"bitforbit lint: {line}", file=sys.stderr)
    if options.format == "text":
        print(_summary(report), file=sys.stderr)
    return 2 if report.unreadable else 1 if report.findings else 0


def _codes(given: list[str]) -> tuple[str, ...]:
    return tuple(code.strip() for text in given for code in text.split(",") if code.strip())


def _summary(report) -> str:
    files = "1 file" if report.files == 1 else f"{report.files} files"
    failed = f", {len(report.unreadable)} not parsed" if report.unreadable else ""
    if not report.findings:
        return f"bitforbit lint: {files}{failed}, no finding"
    count = "1 finding" if len(report.findings) == 1 else f"{len(report.findings)} findings"
    return f"bitforbit lint: {files}{failed}, {count} (bitforbit lint --explain {report.findings[0].code})"
