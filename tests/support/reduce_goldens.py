"""Write tests/golden/model/*.reduced.safetensors from the full goldens.

PHI3V_GOLDEN=folder python -m tests.support.reduce_goldens
"""

from safetensors.numpy import save_file

from tests.support.goldens import MODELS, full, thinned
from tests.support.tiny_checkpoint import GOLDEN


def main() -> None:
    for tiny in MODELS:
        path = GOLDEN / "model" / f"{tiny.name}.reduced.safetensors"
        save_file(dict(thinned(full(tiny))), path)
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
