"""Why a run differed: conditions varied, causes attributed, traces compared, code linted."""
