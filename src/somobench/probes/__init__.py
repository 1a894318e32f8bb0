"""Physical probes of a model's behaviour, which need no observation."""
