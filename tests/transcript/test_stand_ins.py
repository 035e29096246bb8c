import re

from helpers import job

from runner.transcript.model import Segment, Transcript
from runner.transcript.redact.redacted import redacted
from runner.transcript.redact.stand_ins import StandIns


def test_a_person_of_each_file_has_a_stand_in_of_its_own_that_stays() -> None:
    settings = job("transcript.redact=names").settings.transcript
    said = {
        "a.txt": ("Ana Ruiz", "I know Ben Li well. Ben is kind."),
        "b.txt": ("Ben Li", "Ana Ruiz told me of ISO_9001."),
        "c.txt": ("王小明", "我是王小明"),
    }

    def masked() -> tuple[StandIns, dict[str, str]]:
        base = redacted(settings, Transcript("all", "collection", "", ()))[0]
        stand_ins, shown = StandIns(base), {}
        for file, (speaker, text) in said.items():
            one = Transcript(file, "text", "", (Segment("S0001", speaker, None, None, text),))
            mask = stand_ins.of_file(file, redacted(settings, one)[0])
            shown[file] = mask(f"{speaker}: {text}")
        return stand_ins, shown

    (stand_ins, shown), (_, again) = masked(), masked()
    numbers = re.findall(r"PERSON_(\d+)", str(shown))

    assert shown == again
    assert "ISO_9001" in shown["b.txt"]
    assert not any(name in "".join(shown.values()) for name in ("Ana", "Ruiz", "Ben", "Li "))
    assert 5 == len(set(numbers))
    for file, (speaker, text) in said.items():
        assert (f"{speaker}: {text}", []) == stand_ins.restore(shown[file])
    assert ["PERSON", "和PERSON说", "PERSONs plan", "PERSON说", "banana"] == [
        re.sub(r"_\d+(?:_\d+)?", "", stand_ins.mask(said, eager=True))
        for said in ("Ana Ruiz", "和Ana Ruiz说", "Anas plan", "王小明说", "banana")
    ]
    unknown = "PERSON_123456 and ticket 123456"
    assert (unknown, ["PERSON_123456"]) == stand_ins.restore(unknown)
