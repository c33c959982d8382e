"""MicroBooNE as a wire chamber, and events of others placed in one."""
