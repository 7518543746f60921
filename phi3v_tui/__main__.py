"""`python -m phi3v_tui` and the `phi3v-tui` command."""

from phi3v_tui.cli import main

if __name__ == "__main__":
    main()
