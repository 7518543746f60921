"""What a conversation goes by: what was chosen for it, else the settings.

Choices are kept with the conversation, so that it goes on in the same way when it is reopened, in
the app or line by line.
"""

from dataclasses import asdict, fields, replace

from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.sampling import SamplingParams
from phi3v_tui.settings import Settings, changed, setting_name

_OF_SAMPLING = tuple(field.name for field in fields(SamplingParams))


def sampling(conversation: Conversation, settings: Settings) -> SamplingParams:
    """How answers are chosen in a conversation."""
    return conversation.sampling or settings.sampling


def num_crops(conversation: Conversation, settings: Settings) -> int | None:
    """Most crops a picture of a conversation is cut into; None leaves it to the engine."""
    return conversation.num_crops or settings.num_crops


def in_force(conversation: Conversation, settings: Settings) -> Settings:
    """The settings, with what was chosen for a conversation in their place."""
    return replace(
        settings,
        system_prompt=conversation.system_prompt,
        num_crops=num_crops(conversation, settings),
        **asdict(sampling(conversation, settings)),
    )


def change(conversation: Conversation, settings: Settings, name: str, text: str) -> Settings:
    """Change a setting until the program ends, and for good in the conversation that is open.

    Args:
        conversation: Keeps what it can keep.
        settings: As they are.
        name: Of the setting, as typed.
        text: Its value, as typed.

    Raises:
        SettingsError: As `changed`.
    """
    now = changed(settings, name, text)
    name = setting_name(name)
    if name == "system_prompt":
        conversation.system_prompt = now.system_prompt
    elif name == "num_crops":
        conversation.num_crops = now.num_crops
    elif name in _OF_SAMPLING:
        before = sampling(conversation, settings)
        conversation.sampling = replace(before, **{name: getattr(now, name)})
    return now


def told(settings: Settings, name: str) -> str:
    """Say what a setting that was just changed is now, and for how long.

    Args:
        settings: As they are now.
        name: Of the setting, as typed.
    """
    value = getattr(settings, setting_name(name))
    shown = as_typed(value) or ("default" if value is None else "empty")
    return (
        f"{setting_name(name)} is {shown} from the next answer on. It stays so in this"
        " conversation, and holds for new ones until the program ends."
    )


def differences(conversation: Conversation, settings: Settings) -> str:
    """What a conversation has that the settings have not, in a few words; perhaps nothing."""
    words = []
    own = in_force(conversation, settings)
    for name in (*_OF_SAMPLING, "num_crops"):
        value = getattr(own, name)
        if value != getattr(settings, name):
            words.append(f"{name} {as_typed(value) or 'fresh'}")
    if conversation.system_prompt != settings.system_prompt:
        words.append("own system prompt" if conversation.system_prompt else "no system prompt")
    return " · ".join(words)


def as_typed(value: float | str | None) -> str:
    """A value as people type it; nothing for none."""
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
