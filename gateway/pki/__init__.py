"""Keys and certificates on disk. Import these modules late: `cryptography` takes a while to load."""
