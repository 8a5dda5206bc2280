"""Stored evidence judged again: replays, what-ifs, differences, how things stood on a day."""
