"""The site's certificate authority: keys and certificates on disk, and the one user of `cryptography`."""
