import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from thoughtmill.schemas.errors import ConfigError
from thoughtmill.tasks.sources.csv_files import CsvSource
from thoughtmill.tasks.sources.fields import Fields

QA = Fields(text="question", reference="answer")


def test_csv_when_values_are_quoted_then_they_keep_commas_quotes_and_line_ends(tmp_path, read):
    path = tmp_path / "qa.csv"
    path.write_bytes(
        b'\xef\xbb\xbfquestion,answer,id\r\n"a, ""b""\nc",27.0,1\r\n\r\nplain 5" disk,,2\r\n'
    )
    got = read(CsvSource(path=str(path), fields=QA, item_kind="problem"))
    assert [(i.text, i.reference) for i in got.items] == [
        ('a, "b"\nc', "27.0"),
        ('plain 5" disk', None),
    ]
    assert not got.drops


def test_csv_when_rows_do_not_fit_then_drops_name_their_first_lines(tmp_path, read):
    path = tmp_path / "bad.csv"
    path.write_bytes(
        b'question,answer\n"two\nlines",1\ntoo,many,values\nfew\ncaf\xe9,1\n,1\n"x" y,1\nlast,1\n'
    )
    got = read(CsvSource(path=str(path), fields=QA))
    assert got.texts == ["two\nlines", "last"]
    assert got.reasons == [
        ("wrong_columns", 4),
        ("wrong_columns", 5),
        ("not_utf8", 6),
        ("no_text", 7),
        ("bad_csv", 8),
    ]


def test_csv_when_a_quote_never_closes_then_it_costs_one_line(tmp_path, read):
    path = tmp_path / "open.csv"
    path.write_text('question,answer\na,1\n"open,1\nb,2\n"c\nd",3\ne,4\n')
    got = read(CsvSource(path=str(path), fields=QA))
    assert got.texts == ["a", "b", "c\nd", "e"]
    assert got.reasons == [("bad_csv", 3)]


def test_csv_when_one_column_has_a_broken_text_then_its_lines_are_not_rows(tmp_path, read):
    path = tmp_path / "one.csv"
    path.write_text('text\n"good\none"\n"he said\n"hi" to me"\nlast\n')
    got = read(CsvSource(path=str(path)))
    assert got.texts == ["good\none", "last"]
    assert got.reasons == [("bad_csv", 4)]


def test_csv_when_tabs_separate_then_the_delimiter_says_so(tmp_path, read):
    path = tmp_path / "qa.tsv"
    path.write_text("text\tn\na, b\t1\n")
    assert read(CsvSource(path=str(path), delimiter="\t")).texts == ["a, b"]
    with pytest.raises(ValidationError):
        CsvSource(path=str(path), delimiter='"')


def test_csv_when_the_header_lacks_a_column_then_the_error_lists_those_there(tmp_path):
    path = tmp_path / "qa.csv"
    path.write_text("question,answer\n")
    with pytest.raises(ConfigError, match=r"fields.text.*'text'.*columns: question, answer"):
        CsvSource(path=str(path)).parts()


@settings(max_examples=100, deadline=None)
@given(content=st.binary() | st.text(alphabet='",\n\r ab').map(str.encode))
def test_csv_when_bytes_are_arbitrary_then_nothing_raises(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "any.csv"
    path.write_bytes(b"text,b\n" + content + b"\nlast,1\n")
    source = CsvSource(path=str(path))
    rows = [row for part in source.parts() for row in source.read(part, "run-1")]
    assert rows
