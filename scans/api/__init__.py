"""The REST API of scans, findings, controls and outcomes, and of Accounts with their counts. One file each."""
