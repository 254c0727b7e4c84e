"""The study: several arms of a mixture trained from one base with several seeds, measured, compared, and told on one page.

`plan.plan_study` turns a study file into runs, `run.run_study` trains and measures them, `report` writes the pages. Import
nothing here: reading a study file loads no torch.
"""
