"""OCPP 1.6 and its security extension: the actions, what they carry, and how it is read."""
