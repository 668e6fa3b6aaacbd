"""The proof beyond one broker: clusters whose nodes are killed, storms of links, chaos. All against real processes."""
