"""The vocabulary of scanning: controls, evidence, verdicts, findings. Pure: no Django, no boto3."""
