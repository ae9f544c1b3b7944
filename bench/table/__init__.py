"""What `./dev bench` runs: the whole table of performance targets (bench/README.md)."""
