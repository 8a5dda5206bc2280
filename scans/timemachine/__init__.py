"""Judges stored evidence again: replays, what-if simulations, comparisons, the state on a past day."""
