"""Loggers of Lightning's are told of a trial and never cost one."""

from deeper.run.lightning_loggers import Telling, make

ROW = {"epoch": 2, "train_error": 0.5, "validation_error": None}


class Book:
    """A logger that notes what it is told, and fails at the first call of ``fails``."""

    def __init__(self, version, fails=""):
        self.version, self.fails, self.told = version, fails, []

    def log_hyperparams(self, settings):
        self.settings = settings

    def log_metrics(self, metrics, step):
        self._note("log_metrics", metrics, step)

    def save(self):
        self._note("save")

    def finalize(self, status):
        self._note("finalize", status)

    def _note(self, name, *said):
        self.told.append((name, *said))
        if name == self.fails:
            raise OSError("no answer")


def test_it_knows_the_trial_and_its_settings():
    spec = {"_target_": f"{__name__}.Book", "trial": "version", "needs": "json"}
    config = {"logger": {"lightning": spec}, "seed": 3}
    [telling] = make({"id": "0123456789abcdef", "config": config})
    assert telling.logger.version == "0123456789abcdef"
    assert telling.logger.settings == config


def test_what_was_not_measured_is_not_told():
    book = Book("one")
    Telling(book).add([ROW])
    assert book.told == [("log_metrics", {"train_error": 0.5}, 2), ("save",)]


def test_one_that_fails_is_told_no_more(capsys):
    book = Book("one", fails="save")
    telling = Telling(book)
    for rows in ([ROW], [ROW, ROW]):
        telling.add(rows)
    telling.finish()
    assert book.told == [("log_metrics", {"train_error": 0.5}, 2), ("save",)]
    assert capsys.readouterr().out == "Book is told no more: no answer\n"


def test_one_that_fails_at_the_end_costs_nothing():
    book = Book("one", fails="finalize")
    Telling(book).finish()
    assert book.told == [("finalize", "success")]


def test_after_a_start_it_is_told_what_went_on_before():
    book, rows = Book("one"), [{"epoch": n, "train_error": 0.5 / n} for n in (1, 2, 3)]
    telling = Telling(book)
    telling.add(rows[:2])
    telling.add(rows)
    assert [(said[1], said[2]) for said in book.told if said[0] == "log_metrics"] == [
        ({"train_error": row["train_error"]}, row["epoch"]) for row in rows
    ]


def test_one_that_cannot_be_made_costs_nothing(capsys):
    spec = {"_target_": f"{__name__}.Book", "trial": "no_such_argument", "needs": "json"}
    assert make({"id": "0123456789abcdef", "config": {"logger": {"lightning": spec}}}) == []
    assert capsys.readouterr().out.startswith("Book is told nothing: ")
