"""The door to the site meters: Modbus RTU and TCP, SunSpec, DSMR P1, SML.

`poller` reads the meters of one bus in turn, `listener` hears those that talk by themselves, `latest` has the newest
reading of each. `catalog` is the table of models; `models/` has a file per maker. Nothing here is loaded by a site
without meters, except `latest`.
"""
