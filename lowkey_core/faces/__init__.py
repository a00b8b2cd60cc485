"""Where faces are in photos, how they are cut out and put back, and how visible a change is."""
