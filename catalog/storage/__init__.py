"""Write, hash and read files so that nothing damaged opens."""
