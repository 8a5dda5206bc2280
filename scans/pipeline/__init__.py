"""Runs a scan from start to end, and starts scans by schedule.

The order of a scan: start, target_lease and target_worker (which uses target_plan, account_reader, target_evaluation
and reconcile), completion with cross_account.
"""
