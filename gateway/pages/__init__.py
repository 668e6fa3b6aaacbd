"""The web page for people: what a phone at the station and a screen at the desk show, and nothing that they decide.

It does not know how anything is kept or commanded; that is the API's business.
"""
