"""Rules about the comments that allow findings."""

from bitforbit.diagnosis.lint.rule import Rule


class NoqaWithoutReason(Rule):
    """A comment allows a finding and does not say why.

    Whoever reads it next cannot tell a decision from a shortcut. A bare `# noqa` allows nothing of ours.

    Bad:

        model_id = hash(name) % 7  # noqa: BFB403

    Good:

        model_id = hash(name) % 7  # noqa: BFB403 only names a log file
    """

    code, name = "BFB002", "noqa-without-reason"

    def check(self, source):
        return iter(())
