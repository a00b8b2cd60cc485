"""What the command line shows beside reports."""
