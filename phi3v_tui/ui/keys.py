"""The keys of the chat; help and palette list them too."""

from textual.binding import Binding

KEYS = (
    Binding("ctrl+o", "attach", "Attach a picture"),
    Binding("ctrl+v,alt+v", "paste_picture", "Attach the picture on the clipboard"),
    Binding("ctrl+t", "toggle_preview", "Show or hide the picture pane"),
    Binding("f2", "change_crops", "Cut pictures into 1, 4, 9 or 16 crops; says what they cost"),
    Binding("f3", "view_picture", "View the picture: zoom, pages, attach a part"),
    Binding("escape", "stop", "Stop the answer, and keep what has come"),
    Binding("ctrl+r", "regenerate", "Answer the last prompt again; both answers stay"),
    Binding("f5", "go_on", "Go on with an answer that was stopped or cut off"),
    Binding("ctrl+up,alt+up", "choose_message", "Choose a message: edit, copy, branch, fork"),
    Binding("ctrl+f", "find", "Find words in the conversation"),
    Binding("ctrl+l", "list_conversations", "Conversations: open, rename, delete, find"),
    Binding("f8", "take_prompt", "Prompts at hand: describe, exact text, table, chart"),
    Binding("f4", "choose_sampling", "System prompt and sampling of this conversation"),
    Binding("f9", "choose_model", "Models: what each takes, and change to another"),
    Binding("ctrl+g", "copy_answer", "Copy the last answer"),
    Binding("ctrl+s", "save_transcript", "Save the conversation as Markdown"),
    Binding("ctrl+n", "new_conversation", "New conversation"),
    Binding("f1", "help", "Show these keys"),
    Binding("ctrl+q", "app.quit", "Quit; the conversation is kept"),
)
