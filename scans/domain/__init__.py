"""What the words of scanning mean: controls, evidence, verdicts, findings. Pure: no Django, no boto3."""
