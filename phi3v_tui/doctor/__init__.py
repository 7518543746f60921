"""`phi3v-tui doctor`: what this machine, its terminal and its disk are like, and what to mend."""
