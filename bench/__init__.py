"""The benchmark of the project: the gateway beside its baselines, in one run, in interleaved rounds.

`figures` holds the table of figures and goals, `measuring` the rounds, `load_generator` the stations, `processes` the
servers under test, `servers/` the baselines, `report` the table. Only ratios are judged (memory and idle load apart):
absolute times do not carry over to another machine.
"""
