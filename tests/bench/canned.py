"""Events of child processes that never ran: for what is done with them."""

from phi3v_tui.bench.measures import Run

CHECKPOINT = {
    "folder": "/models/tiny",
    "name": "tiny",
    "parameters": 7_000_000,
    "device": "cpu",
    "dtype": "float32",
    "context": 131_072,
    "weight_bytes_per_token": {"none": 1000, "int8": 400},
    "kv_bytes_per_token": 2,
    "free_memory": 10**9,
    "torch": "2.0",
    "transformers": "5.0",
    "machine": "a machine",
}


def reply(prompt: float = 100, reused: int = 0, first: float = 0.5, decode: float = 2.0) -> dict:
    """An answer of five tokens."""
    return {
        "text": "words",
        "token_ids": [1, 2, 3, 4, 5],
        "prompt_tokens": prompt,
        "reused_tokens": reused,
        "crops_encoded": 0,
        "first_token": first,
        "decode": decode,
    }


def run(system: str = "ours", repeat: int = 1, **choice) -> Run:
    """A run that answered the text."""
    fields = {"ready": 1.0, "conversations": {"text": [reply()]}, "bandwidth": 5000.0}
    return Run(system, repeat, **(fields | choice))


class Processes:
    """Stands in for `processes.run`.

    Attributes:
        tasks: Every task that was started.
        shortfalls: Of the verdict, by system.
        failing: What a process says that fails, by kind and system.
    """

    def __init__(self) -> None:
        self.tasks: list[dict] = []
        self.shortfalls: dict[str, float] = {}
        self.failing: dict[tuple[str, str], Exception] = {}

    def __call__(self, task: dict, timeout: float, threads: int):
        self.tasks.append(task | {"num_threads": threads})
        if error := self.failing.get((task["kind"], task.get("system", ""))):
            raise error
        yield from getattr(self, task["kind"])(task)

    def started(self, kind: str) -> list[str]:
        """Systems for which a kind of process was started, in order."""
        return [task["system"] for task in self.tasks if task["kind"] == kind]

    def prepare(self, task: dict):
        name = f"random-{task['random']}" if task["random"] else task["model"]
        yield CHECKPOINT | {"name": name, "folder": f"/models/{name}"}

    def answers(self, task: dict):
        for name in task["names"]:
            yield {"input": name, "replies": [reply()]}

    def check(self, task: dict):
        for system, said in task["replies"].items():
            for name in said:
                yield {
                    "system": system,
                    "input": name,
                    "tokens": 5,
                    "equal": 5,
                    "shortfall": self.shortfalls.get(system, 0.0),
                    "where": [1, 2],
                }

    def measure(self, task: dict):
        yield {"ready": True, "process": len(self.tasks), "seconds": 1.5}
        for name in task["names"]:
            turns = 5 if name == "chat" else 1
            yield {"input": name, "replies": [reply(100 * (n + 1)) for n in range(turns)]}
        yield {"cancel": {"reading": 0.1, "answering": 0.01}}
        yield {"memory": 5 * 10**8}
        yield {"bandwidth": 5000.0}

    def vision(self, task: dict):
        yield {
            "shape": "2:1",
            "crops": 3,
            "padded_crops": 5,
            "real": 0.3,
            "padded": 0.5,
            "difference": 0.0,
        }
