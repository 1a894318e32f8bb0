"""What the ladder shows on a release about climates, stations and inputs."""
