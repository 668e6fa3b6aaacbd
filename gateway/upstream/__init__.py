"""The door to the brokers of fleet managers: one MQTT connection, from its welcome to its end (`link`).

`sockets` reaches the broker, `tls` makes what a TLS handshake needs. Whom to connect to, what to send and when to try
again is decided elsewhere. Import `link` late: the MQTT library takes a while to load.
"""
