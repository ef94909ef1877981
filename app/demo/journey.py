"""`fbali-server demo`: an order's way from the shop to the customer's door, told as it happens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.demo.endings import DemoError, Ending, Stopped
from app.demo.narration import Narrator
from app.demo.play import Play
from app.demo.scene import Scene, SceneOptions
from fbali.errors import FbaliError
from oms.gateways.clock import SystemClock

EXIT_FAILED: Final = 1
EXIT_INTERRUPTED: Final = 130
_INTRODUCTION: Final = (
    "A merchant's shop, two vendors and a carrier are pretended; FbAli OMS between them is real."
    " Orders are pulled out of the shop, split over the vendors, shipped, tracked and delivered;"
    " what arrives broken is settled. It takes less than a minute; Ctrl-C ends it at any time."
)


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the person who starts the demo can choose."""

    scene: SceneOptions
    exit_when_done: bool = False


def run_demo(options: DemoOptions, environ: Mapping[str, str]) -> int:
    """Run the demo until Ctrl-C, or until it is done; return the exit code."""
    ending = Ending()
    ending.catch_signals()
    clock = SystemClock()
    narrator = Narrator(clock, environ, ending.ask)
    narrator.title("FbAli OMS, a demonstration")
    narrator.paragraph(_INTRODUCTION)
    narrator.text()
    try:
        scene = Scene(options.scene, environ, clock)
    except DemoError as error:
        narrator.text(str(error))
        return EXIT_FAILED
    with scene:
        return _perform(scene, Play(scene, narrator, ending, environ), narrator, options)


def _perform(scene: Scene, play: Play, narrator: Narrator, options: DemoOptions) -> int:
    """Play, and say how it ends, whatever way that is."""
    code = 0
    try:
        play.perform()
        if not options.exit_when_done:
            play.go_on()
    except Stopped:
        code = 0 if play.is_done else EXIT_INTERRUPTED
    except (DemoError, FbaliError) as error:
        scene.is_folder_kept = True
        narrator.text(f"\nThe demo cannot go on. {_cause(scene, error)}")
        code = EXIT_FAILED
    narrator.text()
    narrator.say("demo", "stops the vendors, the server, the shop and the carrier")
    play.close()
    scene.close()
    if scene.is_folder_kept:
        narrator.say("demo", f"the folder is kept, see server.log in {scene.folder}")
    else:
        narrator.say("demo", f"all stopped; {scene.folder} is removed")
    return code


def _cause(scene: Scene, error: Exception) -> str:
    """Name the server's death rather than the call that failed because of it."""
    try:
        scene.server.check()
    except DemoError as death:
        return str(death)
    return str(error)
