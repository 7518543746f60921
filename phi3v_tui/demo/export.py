"""Write a trained network as a checkpoint in the published layout.

`python -m phi3v_tui.demo.export runs/demo/settle.pt` replaces the bundled one.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from phi3v_tui.demo.drawing import CROP, GRID
from phi3v_tui.demo.network import DemoNet
from phi3v_tui.demo.recipes import RECIPES
from phi3v_tui.demo.tokenizer import SPECIAL
from phi3v_tui.phi3v import Phi3VImageProcessor

CHECKPOINT = Path(__file__).parent / "checkpoint"
CHAT_TEMPLATE = (
    "{% for message in messages %}{{'<|' + message['role'] + '|>' + '\n' + message['content'] + "
    "'<|end|>\n' }}{% endfor %}{% if add_generation_prompt and messages[-1]['role'] != "
    "'assistant' %}{{- '<|assistant|>\n' -}}{% endif %}"
)


def export(net: DemoNet, tokenizer: Tokenizer, folder: Path) -> None:
    """Write weights (bfloat16), config, tokenizer and processor settings.

    Args:
        net: The trained network; its dense heads are left behind.
        tokenizer: Its tokenizer.
        folder: Where the files go; made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = net.phi3v
    end_ids = tokenizer.encode("<|end|><|endoftext|></s>", add_special_tokens=False).ids
    model.generation_config.update(bos_token_id=1, eos_token_id=end_ids, pad_token_id=end_ids[1])
    model.config.eos_token_id = end_ids
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    tensors = {published_name(k): v.to(torch.bfloat16) for k, v in model.state_dict().items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token=SPECIAL[0],
        bos_token="<s>",
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_max_length=model.config.max_position_embeddings,
    )
    crops = net.recipe.num_crops
    images = Phi3VImageProcessor(num_crops=crops, num_img_tokens=GRID * GRID, crop_size=CROP)
    images.save_pretrained(folder)
    fast.save_pretrained(folder)


def published_name(name: str) -> str:
    """The name of a parameter in published checkpoints, where the tower has one more level."""
    return name.replace(".img_processor.", ".img_processor.vision_model.")


def main() -> None:
    """Parse the command line and export."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trained", type=Path, help="checkpoint that training wrote")
    parser.add_argument("--folder", type=Path, default=CHECKPOINT)
    args = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(args.trained.parent / "tokenizer.json"))
    trained = torch.load(args.trained, weights_only=True, map_location="cpu")
    net = DemoNet(tokenizer.get_vocab_size(), RECIPES[trained["recipe"]])
    net.load_state_dict(trained["net"])
    export(net, tokenizer, args.folder)


if __name__ == "__main__":
    main()
