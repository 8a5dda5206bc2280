"""What requests and tickets share: locks, people, notifications, what lies over a finding."""
