"""What `phi3v-tui bench` does: progress on stderr, the table on stdout, JSON in a file."""

import json
import sys
import time
from pathlib import Path

from platformdirs import user_cache_path

from phi3v_tui.bench import report
from phi3v_tui.bench.plan import Options
from phi3v_tui.bench.schedule import bench
from phi3v_tui.errors import SettingsError
from phi3v_tui.settings import APP_NAME


def run(options: Options, json_path: Path | None) -> bool:
    """Run the benchmark and print its results.

    Args:
        options: What was chosen.
        json_path: Where the results go as JSON.

    Returns:
        Whether the answers of all systems were right.

    Raises:
        Phi3VTuiError: Nothing could be measured.
    """
    if json_path is not None and not json_path.absolute().parent.is_dir():
        raise SettingsError(f"There is no folder for {json_path}.", "Make it, or choose another.")
    started = time.monotonic()

    def tell(doing: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {doing}", file=sys.stderr, flush=True)

    cache = user_cache_path(APP_NAME, appauthor=False) / "bench"
    results = bench(options, str(cache), tell)
    tell(f"done; random checkpoints are kept in {cache}" if options.random else "done")
    print(report.as_table(results), flush=True)
    if json_path is not None:
        found = report.as_json(results, sys.argv)
        json_path.write_text(json.dumps(found, indent=1, default=str) + "\n", "utf-8")
    return all(results.right(v["system"], v["input"]) for v in results.verdicts)
