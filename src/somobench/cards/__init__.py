"""Score cards and leaderboards: folders and pages of scores."""
