from __future__ import annotations

import pytest

from thoughtmill.tasks.steps.actions import Actions

ACTIONS = Actions()


@pytest.mark.parametrize(
    ("wording", "action"),
    [
        ("move forward 25 cm", "move forward 25 cm"),
        ("move forward 0.5 m", "move forward 50 cm"),
        ("go straight 50cm", "move forward 50 cm"),
        ("forward 0.75", "move forward 75 cm"),
        ("Move ahead 500 mm.", "move forward 50 cm"),
        ("moveForward(25)", "move forward 25 cm"),
        ("go half a metre", "move forward 50 cm"),
        ("MOVE_FORWARD", "move forward 25 cm"),
        ("↑", "move forward 25 cm"),
        ("前进25厘米", "move forward 25 cm"),
        ("avancer de 50 cm", "move forward 50 cm"),
        ("turn left by 30°", "turn left 30 degrees"),
        ("TURN_LEFT 15", "turn left 15 degrees"),
        ("rotate 45 degrees to the left", "turn left 45 degrees"),
        ("counterclockwise 15", "turn left 15 degrees"),
        ("左转30度", "turn left 30 degrees"),
        ("→", "turn right 15 degrees"),
        ("**turn right thirty degrees**", "turn right 30 degrees"),
        ("turnRight", "turn right 15 degrees"),
        ("halt", "stop"),
        ("Stop here.", "stop"),
        ("STOP", "stop"),
    ],
)
def test_read_when_the_wording_is_usual_then_the_action_in_its_own_spelling(wording, action):
    assert ACTIONS.read(wording) == (action, "ok")


@pytest.mark.parametrize(
    ("wording", "reason"),
    [
        ("", "no_action"),
        ("   ", "no_action"),
        ("dance", "unknown_action"),
        ("turn 15 degrees", "unknown_action"),
        ("do not stop", "unknown_action"),
        ("don't stop", "unknown_action"),
        ("x" * 5000, "unknown_action"),
        ("turn left 15 degrees, then move forward 25 cm", "several_actions"),
        ("forward 25 cm or 50 cm", "several_actions"),
        ("go straight right", "several_actions"),
        ("turn left 20 degrees", "outside_grammar"),
        ("turn left -30 degrees", "outside_grammar"),
        ("move -25 cm forward", "outside_grammar"),
        ("move forward 1 m", "outside_grammar"),
        ("move forward 25 degrees", "outside_grammar"),
        ("turn left 30 cm", "outside_grammar"),
        ("move backward 25 cm", "outside_grammar"),
        ("turn around", "outside_grammar"),
        ("stop 50", "outside_grammar"),
    ],
)
def test_read_when_no_one_action_is_named_then_a_reason(wording, reason):
    assert ACTIONS.read(wording) == (None, reason)


def test_names_when_read_then_each_is_its_own_spelling():
    assert len(ACTIONS.names) == 10
    assert [ACTIONS.read(name).action for name in ACTIONS.names] == list(ACTIONS.names)


def test_read_when_the_grammar_is_another_then_its_actions_hold():
    other = Actions(
        forward_cm=(100,), turn_degrees=(90,), stop=False, bare_turn_degrees=90, codes={"2": "left"}
    )
    assert other.read("forward 1 m").action == "move forward 100 cm"
    assert other.read("2").action == "turn left 90 degrees"
    assert other.read("stop").reason == "outside_grammar"
    assert other.read("forward").reason == "outside_grammar"
    assert Actions(bare_turn_degrees=None).read("left").reason == "outside_grammar"
