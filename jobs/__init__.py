"""What the work is and how one piece of it is done; knows no cluster."""
