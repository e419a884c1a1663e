"""The figures of a report, read from the lake; how they look is `flows/report`."""
