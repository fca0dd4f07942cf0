"""What `brandfarm doctor` looks at: this machine, and the farm of a folder. Nothing is started, nothing is changed."""
