"""Firmware images and uploads of stations: a content-addressed store that knows nothing of the gateway.

`images` and `incoming` keep the bytes, `manifest` and `signatures` say what they are; `transfer_server` (HTTP) and
`ftp_server` give them to stations and take uploads. What a token allows is asked of a `Desk` (`tickets`).
"""
