from __future__ import annotations

import pytest

from tests.lakes import trace
from thoughtmill.tasks.scores import RequestTalk


def value(text: str, **knobs) -> float:
    ask, think = trace(0).segments
    loud = ask.model_copy(update={"text": "As an AI I need to simulate an expert."})
    made = trace(0, segments=(loud, think.model_copy(update={"text": text})))
    return RequestTalk(**knobs).value(made)


@pytest.mark.parametrize(
    "sentence",
    [
        "The user wants an expert's thoughts.",
        "OK, so the user gave me a text about canals.",
        "The prompt asks for depth.",
        "the INSTRUCTIONS say to be brief.",
        "I am asked to think aloud.",
        "I'm supposed to explain it.",
        "We were told to be thorough.",
        "We're asked to be thorough.",
        "My task is to explain this.",
        "I need to simulate an expert.",
        "I will act as a physicist.",
        "As an AI, I have no eyes.",
        "用户想要一个解释",
    ],
)
def test_request_talk_when_a_sentence_is_about_the_request_then_it_counts(sentence):
    assert value(sentence) == 1.0


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "Water flows downhill.",
        "The request rate of the server is 40 per second.",
        "SQL: the query is slow because of the join.",
        "Users of the lock wait for an hour.",
        "I need to find the height first.",
        "We should write the equation down.",
        "The taskmaster is to blame.",
        "She asked him to come.",
    ],
)
def test_request_talk_when_a_sentence_is_about_the_document_then_it_does_not_count(sentence):
    assert value(sentence) == 0.0


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Water flows. The user wants depth. It falls! Does it?", 0.25),
        ("The user wants depth\nWater flows\n\n", 0.5),
        ("水往低处流。用户想要解释。", 0.5),
        ("...\n!?\n", 0.0),
    ],
)
def test_request_talk_when_some_sentences_count_then_it_is_their_share(text, share):
    assert value(text) == pytest.approx(share)


def test_request_talk_when_phrases_are_given_then_only_they_count():
    assert value("The user wants it. Ahoy there.", phrases=("ahoy",)) == 0.5
    assert RequestTalk(phrases=("ahoy",))(trace(0)).scorer == 'request_talk@1{"phrases":["ahoy"]}'
