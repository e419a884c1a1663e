import json

import pytest

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.schemas.rows import Drop
from thoughtmill.tasks.sources import reasoning_gym
from thoughtmill.tasks.sources.gym_entries import GymSet, entry
from thoughtmill.tasks.sources.reasoning_gym import META_KEY, ReasoningGymSource, score


def test_gym_when_read_twice_then_items_are_the_same_and_score_their_own_answers(read, monkeypatch):
    source = ReasoningGymSource(task="chain_sum", count=12, seed=7, level=2)
    whole = read(source)
    monkeypatch.setattr(reasoning_gym, "PART_ENTRIES", 6)
    assert len(source.parts()) == 2
    assert read(source) == whole
    assert len(whole.items) == 12
    item = whole.items[11]
    assert (item.kind, item.domain, item.source) == (
        "problem",
        "chain_sum",
        "reasoning_gym/chain_sum",
    )
    note = json.loads(item.meta[META_KEY])
    assert (note["index"], note["task"], note["seed"], note["level"]) == (11, "chain_sum", 7, 2)
    assert all(score(item, item.reference) == 1 for item in whole.items)
    assert score(item, "no") == 0
    assert score(item, None) == 0


@pytest.mark.parametrize("task", ["isomorphic_strings", "list_functions", "rearc"])
def test_gym_when_a_task_is_unsteady_then_items_repeat_and_score(read, task):
    """The order of a set, the global generator, and tuples that JSON makes lists."""
    source = ReasoningGymSource(task=task, count=3, seed=1)
    got = read(source)
    assert len(got.items) == 3
    assert [score(item, item.reference) for item in got.items] == [1, 1, 1]
    if task == "isomorphic_strings":
        assert got == read(source)
    else:
        gym = GymSet(task, seed=1, size=3)
        assert got.texts == [entry(gym.dataset(), gym, n)["question"] for n in range(3)]


def test_gym_when_a_task_has_no_gold_then_its_scorer_still_judges(read):
    item = read(ReasoningGymSource(task="propositional_logic", count=1, seed=1)).items[0]
    example = json.loads(item.meta[META_KEY])["metadata"]["example_answer"]
    assert item.reference is None
    assert score(item, example) > score(item, "no")


def test_gym_when_difficulty_rises_then_problems_grow():
    def longest(**settings):
        gym = GymSet("chain_sum", seed=0, size=5, **settings)
        return max(len(entry(gym.dataset(), gym, n)["question"]) for n in range(5))

    assert longest(level=0) < longest(level=4) < longest(params={"min_terms": 40, "max_terms": 40})
    assert longest(level=0) < longest(level=0, params={"max_terms": 30, "min_terms": 30})


def test_gym_when_the_generator_dies_then_the_rest_of_the_part_is_a_drop(monkeypatch):
    source = ReasoningGymSource(task="chain_sum", count=3)
    parts = source.parts()
    broken = source.model_copy(update={"params": {"min_terms": -1}})
    rows = list(broken.read(parts[0], "run-1"))
    assert [type(row) for row in rows] == [Drop]
    assert rows[0].reason == "generator_error"
    assert "min_terms must be positive" in rows[0].detail


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task": "chainsum"}, "task: .*did you mean chain_sum"),
        ({"task": "chain_sum", "level": 99}, "level: chain_sum has levels 0 to 10"),
        ({"task": "acre", "level": 1}, "level: acre has no levels"),
        ({"task": "chain_sum", "params": {"terms": 3}}, "params: .*'terms'.*min_terms"),
        ({"task": "chain_sum", "params": {"min_terms": -1}}, "params: chain_sum refuses"),
        ({"task": "caesar_cipher", "level": 3}, "level: caesar_cipher refuses"),
    ],
)
def test_gym_when_settings_are_wrong_then_the_error_says_what_to_change(settings, message):
    with pytest.raises(ConfigError, match=message):
        ReasoningGymSource(count=3, **settings).parts()
