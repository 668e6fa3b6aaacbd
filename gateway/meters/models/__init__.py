"""One file per maker: what its meters have and at which register. Wire addresses, as in the frames."""
