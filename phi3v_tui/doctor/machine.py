"""Python, torch, GPUs, processor and memory."""

import importlib.metadata
import importlib.util
import os
import platform
import re
import sys
import warnings
from functools import partial

from packaging.requirements import Requirement

from phi3v_tui import memory
from phi3v_tui.doctor import tools
from phi3v_tui.doctor.finding import Check, Finding, Group, Level
from phi3v_tui.memory import DoesNotFit, Room
from phi3v_tui.shapes import PUBLISHED

_OLDEST_PYTHON = (3, 11)
_PACKAGE = "phi3v-tui"
_SMI = ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
_CUDA_BUILDS = "https://pytorch.org/get-started/locally"


def checks() -> Group:
    """All of them; one for each GPU that torch can use."""
    found: list[tuple[str, Check]] = [
        ("Python", python),
        ("Packages", packages),
        ("torch", torch_build),
        ("NVIDIA driver", nvidia),
        *((f"cuda:{index}", partial(gpu, index)) for index in range(_gpu_count())),
        ("CPU", processor),
        ("flash-attn", flash_attention),
        ("CUDA graphs", cuda_graphs),
        ("Bundled model", bundled_model),
    ]
    return Group("Machine", tuple(found))


def python() -> Finding:
    """Its version, and where it is."""
    what = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    where = f"{what}, {sys.executable}"
    if sys.version_info >= _OLDEST_PYTHON:
        return Finding(Level.OK, "Python", where)
    return Finding(Level.PROBLEM, "Python", where, "Install Python 3.11 or newer.")


def packages() -> Finding:
    """Whether the packages that the app needs are there, in versions that it takes."""
    try:
        requirements = map(Requirement, importlib.metadata.requires(_PACKAGE) or ())
    except importlib.metadata.PackageNotFoundError:
        detail = "phi3v-tui runs from its source, without having been installed"
        return Finding(Level.NOTE, "Packages", detail, "To install it run: pip install .")
    wanted = [one for one in requirements if one.marker is None or one.marker.evaluate()]
    wrong = [words for one in wanted if (words := _what_is_wrong(one))]
    if wrong:
        remedy = "Install phi3v-tui again, into an environment of its own."
        return Finding(Level.WARNING, "Packages", "; ".join(wrong), remedy)
    shown = ("torch", "transformers", "textual", "huggingface-hub")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in shown]
    return Finding(Level.OK, "Packages", ", ".join(versions))


def _what_is_wrong(wanted: Requirement) -> str:
    try:
        version = importlib.metadata.version(wanted.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{wanted.name} is missing"
    if wanted.specifier.contains(version, prereleases=True):
        return ""
    return f"{wanted.name} is {version}, and {wanted.specifier} is needed"


def torch_build() -> Finding:
    """Whether torch can be imported, and what it was built for."""
    try:
        import torch
    except (ImportError, OSError) as error:
        remedy = f"Install torch again: {_CUDA_BUILDS}"
        return Finding(Level.PROBLEM, "torch", f"cannot be imported: {error}", remedy)
    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "the CPU only"
    if torch.version.hip:
        built = f"ROCm {torch.version.hip}"
    return Finding(Level.OK, "torch", f"{torch.__version__}, built for {built}")


def nvidia(run: tools.Run = tools.run) -> Finding:
    """Whether there is an NVIDIA GPU, a driver for it, and a torch that can use both."""
    try:
        lines = run(*_SMI).splitlines()
    except tools.ToolError as error:
        if str(error):
            remedy = "Restart the machine, or install the NVIDIA driver again."
            return Finding(Level.WARNING, "NVIDIA driver", f"does not answer: {error}", remedy)
        detail = "none found (there is no nvidia-smi): models run on the CPU"
        return Finding(Level.NOTE, "NVIDIA driver", detail)
    cards = ", ".join(line.split(",")[0].strip() for line in lines)
    driver = lines[0].split(",")[1].strip() if lines else "unknown"
    return _usable(f"{driver}, for {cards}")


def _usable(found: str) -> Finding:
    import torch

    if torch.version.cuda is None:
        detail = f"{found}; but torch {torch.__version__} is built without CUDA"
        return Finding(
            Level.WARNING, "NVIDIA driver", detail, f"Install a CUDA build: {_CUDA_BUILDS}"
        )
    if reason := why_no_cuda():
        remedy = f"Update the driver, or install a torch for an older CUDA: {_CUDA_BUILDS}"
        if "too old" not in reason:
            remedy = "See what CUDA_VISIBLE_DEVICES is set to; restart the machine."
        return Finding(Level.WARNING, "NVIDIA driver", f"{found}; torch says: {reason}", remedy)
    return Finding(Level.OK, "NVIDIA driver", f"{found}; torch can use it")


def why_no_cuda() -> str:
    """What torch says of a GPU that it cannot use; empty where it can."""
    import torch

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if torch.cuda.is_available():
            return ""
    # The wanted sentence stands behind "CUDA initialization: ".
    words = str(said[0].message) if said else "it finds no GPU"
    return re.split(r"\. |\n| \(Triggered", words.removeprefix("CUDA initialization: "))[0]


def gpu(index: int) -> Finding:
    """What a GPU is, whether torch was built for it, and what fits."""
    import torch

    from phi3v_tui.phi3v import devices

    title = f"cuda:{index}"
    capability = torch.cuda.get_device_capability(index)
    free, total = torch.cuda.mem_get_info(index)
    name = f"{torch.cuda.get_device_name(index)}, compute capability {_dotted(capability)}"
    if not devices.is_built_for(torch.cuda.get_arch_list(), capability):
        return Finding(
            Level.WARNING,
            title,
            f"{name}: torch {torch.__version__} was not built for it",
            f"Install a torch that was ({_CUDA_BUILDS}), or use --device cpu.",
        )
    dtype = devices.choose_dtype(torch.device("cuda", index))
    precision = str(dtype).removeprefix("torch.")
    facts = f"{name}, {precision}, {_gb(free)} of {_gb(total)} free"
    return _with_what_fits(title, facts, Room(title, free, dtype.itemsize), Level.OK)


def processor() -> Finding:
    """Cores, precision and memory of the CPU."""
    import torch

    from phi3v_tui.phi3v import devices

    cpu = torch.device("cpu")
    dtype = devices.choose_dtype(cpu)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    free = devices.free_memory(cpu)
    native = dtype is torch.bfloat16
    precision = "bfloat16" if native else "float32, as it has no bfloat16 of its own"
    facts = f"{cores} cores, {precision}, {_gb(free)} of memory free"
    return _with_what_fits(
        "CPU", facts, Room("the CPU", free, dtype.itemsize), Level.OK, ", slowly"
    )


def _with_what_fits(
    title: str, facts: str, room: Room, level: Level, how_well: str = ""
) -> Finding:
    try:
        plan = memory.plan(PUBLISHED, room)
    except DoesNotFit as error:
        return Finding(Level.NOTE, title, f"{facts}. The full model does not fit.", error.remedy)
    return Finding(level, title, f"{facts}. The full model runs{how_well}: {plan}.")


def flash_attention() -> Finding:
    """Whether flash-attn is there; nothing needs it."""
    if importlib.util.find_spec("flash_attn") is None:
        detail = "not installed, and not needed: torch's own attention is used"
        return Finding(Level.OK, "flash-attn", detail)
    try:
        module = importlib.import_module("flash_attn")
    except (ImportError, OSError, RuntimeError) as error:
        remedy = "Build it again for this torch, or: pip uninstall flash-attn"
        return Finding(Level.NOTE, "flash-attn", f"cannot be imported: {error}", remedy)
    if not hasattr(module, "flash_attn_func"):
        detail = "another generation than 2 is installed, which is not used; torch's attention is"
        return Finding(Level.OK, "flash-attn", detail)
    version = module.__version__
    return Finding(Level.OK, "flash-attn", f"{version}, used for long prompts where it is faster")


def cuda_graphs() -> Finding:
    """What has never run on a GPU says so."""
    detail = "never run on a GPU by the authors, therefore off"
    return Finding(Level.NOTE, "CUDA graphs", detail, "To try them: phi3v-tui --cuda-graphs")


def bundled_model() -> Finding:
    """Whether the model that comes with the app is whole."""
    import torch

    from phi3v_tui.errors import ModelError
    from phi3v_tui.phi3v import weights

    try:
        found = weights.find("demo", torch.device("cpu"), torch.float32, lambda *_: None)
    except ModelError as error:
        return Finding(Level.PROBLEM, "Bundled model", error.title, "Install phi3v-tui again.")
    return Finding(Level.OK, "Bundled model", f"whole, {found.weight_bytes / 1e6:.1f} MB")


def _gpu_count() -> int:
    try:
        import torch

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.cuda.device_count() if torch.cuda.is_available() else 0
    except (ImportError, OSError, RuntimeError):
        return 0  # The checks of torch and of the driver say why.


def _dotted(capability: tuple[int, int]) -> str:
    return f"{capability[0]}.{capability[1]}"


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
