"""The gateway: a local OCPP 1.6 central system for one charging site. This is the map of the package.

Nouns live in `model`: frozen dataclasses and plain types that know nothing else of the gateway. Questions live in
`rules`: pure functions from facts to a decision. The protocol lives in `ocpp`: frames, the conversation with one
station, the repair of what stations write wrongly, and the typed messages of OCPP 1.6. None of these three touches a
clock, a disk, a socket or an event loop; facts and the time come in as arguments.

Doors lead outside and are named after who stands there. `store` is the SQLite file: one writer thread that commits in
groups, readers beside it, one module per table, and `reports_*` for what people ask. `stations` is OCPP over WebSocket.
`web` is the HTTP API on TCP and on a unix socket. Doors know neither each other nor the verbs: a door that receives is
given a function when it is built.

Verbs live in `operations`: answer the stations, welcome a station, carry out a command, keep house. A verb asks a door
for facts, asks a rule what follows, writes, and tells. Everything that a verb may use comes in one argument, `Site`.

`terminal` is the command line. It talks to the running daemon through the API, and uses the same verbs where a command
must work without the daemon. `demo` and the `simulated_*` files are stations for trying things out; they speak to the
gateway over real sockets and share no code with the way it answers.

`daemon` puts the parts together: started downwards, stopped upwards. `supervision` restarts loops that fail, `health`
knows who is well and counts, `journal_signal` wakes whoever reads the journal. `configuration*` turns gateway.toml into
frozen dataclasses or into the list of every mistake; `provisioning_check` looks whether this machine has what it asks.

A message travels in five steps: read the facts, decide, write, commit, reply. The first three are one function that
runs alone on the writer thread, inside the transaction. The reply leaves when the commit is on disk. What happened is
in the journal of the same commit, and whoever wants to know reads it there.

docs/architecture.md says more; tests/architecture holds the imports to it.
"""
