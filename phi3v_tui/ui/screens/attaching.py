"""The part of the chat that attaches pictures and shows them."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from textual import on, work

from phi3v_tui.conversation.attachment import Attachment
from phi3v_tui.conversation.parts import describe_frames
from phi3v_tui.conversation.patterns import Source, sources_named
from phi3v_tui.engine.base import Engine
from phi3v_tui.errors import AttachmentError
from phi3v_tui.interface.clipboard_pictures import copied_pictures
from phi3v_tui.interface.picture_files import are_meant, read_picture
from phi3v_tui.interface.terminal import ImageMode
from phi3v_tui.paths import working_folder
from phi3v_tui.settings import Settings
from phi3v_tui.store.recent import RecentFolders
from phi3v_tui.ui.attaching import MOST_TOLD, command_for, read_pictures, summary
from phi3v_tui.ui.background import in_thread
from phi3v_tui.ui.screens.answering import AnsweringScreen
from phi3v_tui.ui.screens.file_picker import FilePickerScreen
from phi3v_tui.ui.screens.image_viewer import ImageViewerScreen, Viewed
from phi3v_tui.ui.widgets.attachment_bar import AttachmentChip
from phi3v_tui.ui.widgets.composer import Composer
from phi3v_tui.ui.widgets.downloads import Downloads
from phi3v_tui.ui.widgets.image_preview import ImagePreview
from phi3v_tui.ui.widgets.message_view import PictureLine
from phi3v_tui.ui.widgets.path_completion import PathCompletion

_READING = "reading pictures"
_ANOTHER_FRAME = "F3 shows it: [ and ] go through, R takes the one you see instead."


class AttachingScreen(AnsweringScreen):
    """Reads pictures in workers, so that typing goes on; a prompt sent meanwhile waits for them."""

    def __init__(self, engine: Engine, settings: Settings, image_mode: ImageMode) -> None:
        """Begin without pictures.

        Args:
            engine: Not loaded yet.
            settings: For sampling, pictures and where to save.
            image_mode: How pictures are drawn.
        """
        super().__init__(engine, settings)
        self._image_mode = image_mode
        self._folder = working_folder()
        self.downloads = Downloads()
        self._reading_pictures = 0
        self._submit_when_read = False

    @on(Composer.PathsPasted)
    def _attach_pasted(self, message: Composer.PathsPasted) -> None:
        self._read_and_attach(message.paths, message.text)

    @on(PathCompletion.Taken)
    def _complete_path(self, message: PathCompletion.Taken) -> None:
        self.composer.complete(message)

    @on(Composer.PastePressed)
    def _paste(self, message: Composer.PastePressed) -> None:
        self._attach_copied(message.instead)

    def action_paste_picture(self) -> None:
        """Attach the picture on the clipboard; says what prevents it."""
        self._attach_copied("")

    def _attach_copied(self, instead: str) -> None:
        self._reading_pictures += 1
        self._attach_copied_in_turn(instead)

    def attach_named(self, argument: str) -> None:
        """Attach what a person has named, in a worker; what cannot be attached comes back.

        Args:
            argument: Paths, patterns and addresses, as typed.
        """
        self._reading_pictures += 1
        self._attach_named_in_turn(argument)

    def attach_sources(self, sources: Sequence[Source]) -> None:
        """Attach files and pictures from the web, in a worker."""
        self._reading_pictures += 1
        self._attach_sources_in_turn(sources)

    def _read_and_attach(self, paths: list[Path], text: str = "") -> None:
        """Attach files; if one is no picture, `text` is typed instead, where there is any."""
        self._reading_pictures += 1
        self._attach_in_turn(paths, text)

    @work(group=_READING)
    async def _attach_in_turn(self, paths: list[Path], text: str) -> None:
        if text and not await in_thread(are_meant, paths):
            self.composer.insert(text)
            self._take_read([], [])
        else:
            self._take_read(*await read_pictures(paths), text)

    @work(group=_READING)
    async def _attach_copied_in_turn(self, instead: str) -> None:
        try:
            pictures = await in_thread(copied_pictures)
        except AttachmentError as error:
            if instead:
                self.composer.replace(instead, *self.composer.selection)
            self._take_read([], [] if instead else [error])
        else:
            self._take_read(pictures, [])

    @work(group=_READING)
    async def _attach_named_in_turn(self, argument: str) -> None:
        try:
            sources = await in_thread(sources_named, argument)
        except AttachmentError as error:
            self._take_read([], [error])
            self._type_again(f"/attach {argument}")
        else:
            await self._attach_sources(sources, f"/attach {argument}")

    @work(group=_READING)
    async def _attach_sources_in_turn(self, sources: Sequence[Source]) -> None:
        await self._attach_sources(sources, command_for(sources))

    async def _attach_sources(self, sources: Sequence[Source], text: str) -> None:
        read: list[Attachment] = []
        failed: dict[Source, AttachmentError] = {}
        for source in sources:
            try:
                read.append(await self._picture_of(source))
            except AttachmentError as error:
                failed[source] = error
        self._take_read(read, [*failed.values()])
        if failed:
            self._type_again(command_for(failed) if read else text)

    def _type_again(self, text: str) -> None:
        """What was typed comes back, but never amid a question."""
        if not self.composer.text:
            self.composer.put_back(text)

    async def _picture_of(self, source: Source) -> Attachment:
        if isinstance(source, Path):
            return await in_thread(read_picture, source)
        return await self.downloads.fetch(source, self._settings.allow_private_urls)

    def give_up_reading(self) -> bool:
        """Wait no longer for pictures that are being read, and for the prompt that waits for them.

        Returns:
            Whether there were any.
        """
        if not self._reading_pictures:
            return False
        self.workers.cancel_group(self, _READING)
        self._reading_pictures = 0
        self._submit_when_read = False
        self.notify("The pictures that were being read are not attached.")
        return True

    def _take_read(
        self, read: list[Attachment], errors: list[AttachmentError], text: str = ""
    ) -> None:
        if errors:
            self._submit_when_read = False  # the question may be about what is missing
            self._tell_unattached(errors)
        if errors and text:
            self.composer.insert(text)
        else:
            self._add_pictures(read)
        self._reading_pictures -= 1
        if self._submit_when_read and not self._reading_pictures:
            self._submit_when_read = False
            self.composer.post_message(Composer.PromptSubmitted(self.composer.text))

    def _tell_unattached(self, errors: list[AttachmentError]) -> None:
        # One notice at a time: several would cover what is typed.
        self.app.clear_notifications()
        self.notify(
            summary(errors), title="Not attached", severity="error", timeout=15, markup=False
        )

    def _add_pictures(self, pictures: list[Attachment]) -> None:
        if pictures:
            self.attachment_bar.attachments += tuple(pictures)
            self._show_picture(pictures[-1])
            self._tell_of_frames(pictures)

    @work
    async def _tell_of_frames(self, pictures: list[Attachment]) -> None:
        """Say once what of a document or an animation is left out, and have F3 open it."""
        told = {}
        for picture in pictures:
            with suppress(AttachmentError):  # one of the history, which is told where it is shown
                if words := await in_thread(describe_frames, picture):
                    told[words] = picture
        if told:
            self._show_picture([*told.values()][-1])
            words = "\n".join([*told][:MOST_TOLD])
            self.notify(f"{words} {_ANOTHER_FRAME}", timeout=12, markup=False)

    @on(Composer.AttachmentTakenBack)
    def _take_back_picture(self) -> None:
        self.attachment_bar.remove_last()

    @on(AttachmentChip.Chosen)
    @on(PictureLine.Chosen)
    def _show_chosen(self, message: AttachmentChip.Chosen | PictureLine.Chosen) -> None:
        self._show_picture(message.attachment)
        self.view(message.attachment)

    def view(self, attachment: Attachment) -> None:
        """Show a picture on the whole screen, and attach what is taken out of it."""
        bar = self.attachment_bar
        is_waiting = any(item is attachment for item in bar.attachments)

        def take(viewed: Viewed | None) -> None:
            if viewed is None:
                return
            if viewed.replaces:
                bar.replace(attachment, viewed.picture)
                self._show_picture(viewed.picture)
            else:
                # The conversation that it comes from may be deleted before it is sent.
                self._add_pictures([viewed.picture.held()])

        viewer = ImageViewerScreen(
            attachment,
            self._image_mode,
            lambda: bar.limits,
            partial(self.run_action, "change_crops"),
            is_waiting,
        )
        self.app.push_screen(viewer, take)

    @on(ImagePreview.Clicked)
    def action_view_picture(self) -> None:
        """View the picture of the pane."""
        if attachment := self.query_one("#preview", ImagePreview).attachment:
            self.view(attachment)
        else:
            self.notify("There is no picture yet: Ctrl+O attaches one.")

    @on(AttachmentChip.Removed)
    def _focus_composer(self) -> None:
        self.composer.focus()

    def _show_picture(self, attachment: Attachment | None) -> None:
        preview = self.query_one("#preview", ImagePreview)
        preview.attachment = attachment
        self.set_class(attachment is not None, "-has-picture")

    def _set_preview_shown(self, shown: bool) -> None:
        self.set_class(shown, "-preview-shown")
        self.set_class(not shown, "-preview-hidden")

    def action_attach(self) -> None:
        """Choose a picture file."""
        recent = RecentFolders(self._settings.recent_folders_path)
        picker = FilePickerScreen(
            self._folder, self._image_mode, lambda: self.attachment_bar.limits, recent
        )

        def attach(pictures: list[Attachment] | None) -> None:
            self._folder = picker.folder
            self._add_pictures(pictures or [])

        self.app.push_screen(picker, attach)

    def action_toggle_preview(self) -> None:
        """Show or hide the picture pane."""
        preview = self.query_one("#preview", ImagePreview)
        if preview.attachment is None:
            self.notify("There is no picture yet: Ctrl+O attaches one.")
        else:
            self._set_preview_shown(not preview.display)
