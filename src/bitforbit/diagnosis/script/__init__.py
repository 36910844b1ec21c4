"""Run a user's script, unchanged, under the policy, and keep evidence of each `fit`.

`program` executes it as `python script.py` would, `fits` watches every `Model.fit`, `overrides` notices what the script
sets against the policy, `record` writes the run's folder, `session` is the order of these.
"""
