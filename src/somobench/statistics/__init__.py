"""What a split learns from its train cells and days: climatology and moments."""
