import json

import pytest

from thoughtmill.schemas.rows import Item
from thoughtmill.tasks.sources.reasoning_gym import ReasoningGymSource
from thoughtmill.tasks.verifiers import (
    Cascade,
    Claim,
    Constraints,
    MultipleChoice,
    Opinion,
    settled,
)
from thoughtmill.tasks.verifiers.gym import ReasoningGym


def judged(verifier, claim):
    return verifier.opinion(verifier.evidence(claim))


CHOICES = ("12 cm", "15 cm", "18 cm", "none of these")


@pytest.mark.parametrize(
    ("gold", "response", "outcome"),
    [
        ("B", r"\boxed{B}", "correct"),
        ("B", "The answer is (B).", "correct"),
        ("B", "b", "correct"),
        ("B", r"\boxed{\text{(B)}}", "correct"),
        ("B", "Answer: B) 15 cm", "correct"),
        ("B", r"\boxed{15}", "correct"),
        ("15 cm", "The correct option is B.", "correct"),
        ("(B) 15 cm", "B", "correct"),
        ("D", "none of these", "correct"),
        ("B", r"\boxed{C}", "incorrect"),
        ("B", r"\boxed{18 cm}", "incorrect"),
        ("B", "Answer: none of these", "incorrect"),
        ("B", "Answer: B) 18 cm", "undecided"),
        ("B", r"\boxed{17}", "undecided"),
        ("B", r"\boxed{F}", "undecided"),
        ("Z", r"\boxed{B}", "undecided"),
        ("B", r"\boxed{(B) or (C)}", "undecided"),
        ("B", "The answer is (B) and (C).", "undecided"),
        ("B", r"\boxed{B. C. D.}", "undecided"),
        ("B", "", "incorrect"),
    ],
)
def test_choice_when_named_by_letter_or_text_then_outcome(gold, response, outcome):
    claim = Claim("t", response, gold=gold, choices=CHOICES)
    assert claim.kind == "choice"
    assert judged(MultipleChoice(), claim).outcome == outcome


def _at_least(key, count, **more):
    return {key: count, "relation": "at least", **more}


TEXT = "The sun rises. It is warm, and birds sing! **Good** morning."
CONSTRAINTS = [
    ("punctuation:no_comma", {}, "No comma here.", "One, two."),
    ("length_constraints:number_words", _at_least("num_words", 3), "a b c", "a b"),
    ("length_constraints:number_words", {"num_words": 3, "relation": "less than"}, "a b", "a b c"),
    ("length_constraints:number_sentences", _at_least("num_sentences", 2),
     "Dr. No is here. He left.", "Dr. No is here."),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n***\nb", "a\n\nb"),
    ("length_constraints:nth_paragraph_first_word",
     {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "well"},
     "a\n\nWell, b", "Well\n\nb"),
    ("keywords:existence", {"keywords": ["sun", "moon"]}, "Sun and moon.", "Sunny moon."),
    ("keywords:frequency", _at_least("frequency", 2, keyword="a"), "a and a", "a and an"),
    ("keywords:forbidden_words", {"forbidden_words": ["bad"]}, "badly good", "Bad."),
    ("keywords:letter_frequency",
     {"letter": "q", "let_frequency": 2, "let_relation": "less than"}, "quit", "quit quite"),
    ("detectable_format:json_format", {}, '```json\n{"a": 1}\n```', "{a: 1}"),
    ("detectable_format:title", {}, "<<Title>>\ntext", "<< >> text"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* a\n- b", "* a\n* b\n* c"),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 1}, TEXT, "plain"),
    ("detectable_format:multiple_sections", {"section_spliter": "Section", "num_sections": 2},
     "Section 1 a Section 2 b", "Section 1"),
    ("detectable_format:constrained_response", {}, "My answer is yes.", "Yes."),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[a] and [b]", "[a]"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "x\nP.S. y", "x PS y"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "x **P. S.** y", "x p.s y"),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "Bye. P.P.S. y", "x P.S. y"),
    ("detectable_content:number_placeholders", {"num_placeholders": 1}, "[a b]", "[a\nb]"),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "***a***b", "a***\n***b"),
    ("combination:two_responses", {}, "a******b", "a******a"),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say it."}, "say it. Yes.", "Yes. Say it."),
    ("startend:end_checker", {"end_phrase": "The end."}, "So. The end.", "The end. So."),
    ("startend:quotation", {}, '"all of it"', '"half" of it'),
    ("change_case:english_capital", {}, "THE SUN IS IN THE SKY", "The SUN"),
    ("change_case:english_lowercase", {}, "the sun is in the sky", "The sun"),
    ("change_case:capital_word_frequency",
     {"capital_frequency": 2, "capital_relation": "at least"}, "NASA and ESA", "NASA and esa"),
    ("language:response_language", {"language": "de"},
     "Das ist nicht der Weg und auch kein Ziel.", "This is not the way."),
    ("language:response_language", {"language": "ru"},
     "Это хороший день.", "Eto horoshiy den."),
]  # fmt: skip


@pytest.mark.parametrize(("id_", "kwargs", "kept", "broken"), CONSTRAINTS)
def test_constraint_when_kept_or_broken_then_outcome(id_, kwargs, kept, broken):
    meta = {"constraints": json.dumps([{"id": id_, "kwargs": kwargs}])}
    assert judged(Constraints(), Claim("t", kept, meta=meta))[::2] == ("correct", 1.0)
    assert judged(Constraints(), Claim("t", broken, meta=meta))[::2] == ("incorrect", 0.0)


def test_constraints_when_some_are_kept_then_the_score_is_their_share():
    both = {
        "instruction_id_list": ["punctuation:no_comma", "startend:quotation"],
        "kwargs": [{"num_words": None}, {}],
    }
    claim = Claim("t", "<think>a, b</think>no comma", meta={"constraints": json.dumps(both)})
    assert judged(Constraints(), claim) == ("incorrect", "constraints_broken", 0.5)


@pytest.mark.parametrize(
    ("constraints", "reason"),
    [
        ("not json", "no_constraints"),
        ("[]", "no_constraints"),
        ('[{"id": "no:such"}]', "unknown_constraint"),
        ('[{"id": "keywords:existence"}]', "bad_constraint"),
        (
            '[{"id": "language:response_language", "kwargs": {"language": "tlh"}}]',
            "unknown_language",
        ),
    ],
)
def test_constraints_when_they_cannot_be_checked_then_undecided(constraints, reason):
    claim = Claim("t", "text", meta={"constraints": constraints})
    assert judged(Constraints(), claim)[:2] == ("undecided", reason)


@pytest.mark.parametrize(
    "hostile",
    [
        "[open('pwned', 'w').write('x')]",
        "(1).__class__",
        "[x for x in (1,)]",
        "__import__('os').system('touch pwned')",
        "().append(1)",
        "print(1)",
    ],
)
@pytest.mark.parametrize("task", ["spiral_matrix", "n_queens", "countdown", "simple_integration"])
def test_gym_when_a_scorer_would_evaluate_code_then_it_is_not_asked(task, hostile):
    for answer, gold, metadata in (
        (hostile, "1", {}),
        ("1", hostile, {}),
        ("1", "1", {"solution": [hostile]}),
    ):
        note = json.dumps({"task": task, "metadata": metadata})
        claim = Claim("t", f"\\boxed{{{answer}}}", gold=gold, meta={"reasoning_gym": note})
        gym = ReasoningGym()
        evidence = gym.evidence(claim)._replace(answer=answer)
        assert gym.opinion(evidence) == Opinion("undecided", "runs_code")


def test_gym_when_asked_then_its_own_scorer_decides(workers):
    source = ReasoningGymSource(task="chain_sum", count=1, seed=7)
    (item,) = (row for part in source.parts() for row in source.read(part, "run-1"))
    assert isinstance(item, Item)
    claims = [
        *(
            Claim("t", response, gold=item.reference, problem=item.text, meta=item.meta)
            for response in (rf"\boxed{{{item.reference}}}", r"\boxed{no}", "")
        ),
        Claim("t", "5", meta={"reasoning_gym": "{}"}),
    ]
    found = [settled(v) for v in Cascade().local(claims, workers)]
    assert [v.outcome for v in found] == ["correct", "incorrect", "incorrect", "undecided"]
    assert found[0].verifier == "reasoning_gym@2"
    assert found[0].score == 1.0


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (r"\boxed{5}", "correct"),
        (r"\boxed{five}", "correct"),
        (r"\boxed{6}", "incorrect"),
        ("I can't say.", "undecided"),
    ],
)
def test_golds_when_an_item_accepts_several_then_any_of_them_is_right(workers, response, outcome):
    claim = Claim("t", response, gold="5", meta={"golds": '["5", "five", "10/2"]'})
    verdicts = Cascade().local([claim], workers)[0]
    standing = settled(verdicts)
    assert standing is not None
    assert standing.outcome == outcome
    assert {verdict.trace_id for verdict in verdicts} == {"t"}
