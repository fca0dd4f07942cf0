"""The bench of one worker process: what is on it (docket), trainings, and all of it in turns (resident)."""
