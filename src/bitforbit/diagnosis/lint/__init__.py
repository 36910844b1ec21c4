"""Static rules for what makes a training differ from run to run; reads syntax trees, runs and imports nothing.

`names` resolves aliases, `source` indexes one file, `rules` holds one class for each code, `check` walks files,
`noqa` takes out what a comment with a reason allows, `formats` prints, `pages` makes docs/lint/.
"""
