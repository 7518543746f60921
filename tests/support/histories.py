"""Conversations to be kept, and what the file then holds."""

import sqlite3

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.conversation import Conversation
from phi3v_tui.conversation.turns import TurnState
from phi3v_tui.store.history import History


def picture(data=b"bytes", name="cat.png"):
    return Attachment(data, f"digest of {data!r}", name, f"/pics/{name}", 40, 30)


def chat(*exchanges, system_prompt=""):
    conversation = Conversation(system_prompt)
    for prompt, reply in exchanges:
        conversation.append_user(prompt)
        conversation.update_reply(conversation.append_reply().id, reply, TurnState.STOP, (1, 32000))
    return conversation


def raw(path, query):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def reopened(path, conversation):
    history = History(path)
    try:
        return history.load(conversation.id)
    finally:
        history.close()
