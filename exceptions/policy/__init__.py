"""The exception policy: quorum, durations and renewals of exceptions, due dates of tickets."""
