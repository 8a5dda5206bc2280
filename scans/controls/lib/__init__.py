"""What controls share: judgements, destinations, policies, fixes."""
