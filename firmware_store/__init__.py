"""Firmware images and uploads of stations: a content-addressed store that knows nothing of the gateway.

This release has the messages of OCPP 1.6 Core; the store's parts join here: images, catalog, signatures, servers.
"""
