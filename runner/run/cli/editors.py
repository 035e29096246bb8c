"""Command `colloquy-schema`: writes JSON Schemas of the configuration's files, for editors."""

from importlib.resources import files
from pathlib import Path

from runner.base.command import Arguments, command
from runner.base.errors import ConfigError
from runner.base.files import as_json, make_directory, write_if_changed
from runner.base.text import to_terminal
from runner.config.json_schema import KINDS, json_schemas
from runner.config.schema import GROUPS
from runner.transcript.read import formats

USAGE = """\
usage: colloquy-schema FOLDER
Writes JSON Schemas of the configuration to FOLDER/schema/, one for each kind of file. An editor
that finds one shows the keys, their types, ranges, choices and meaning, and marks mistakes. It
prints the comment that each file needs. FOLDER holds your own files (--config-dir FOLDER);
run this again when you have added one.

Exit codes: 0 written, 2 FOLDER is not a folder, 8 a file cannot be written."""
_IN = {"config": "{experiment,pipeline,sweep}"}  # else a file is in the folder of its kind


def _write(given: Arguments) -> None:
    folder, *more = map(Path, given.words)
    if more or (folder.exists() and not folder.is_dir()):
        raise ConfigError(f"{' '.join(given.words)}: expected one folder; see colloquy-schema -h")
    shipped = Path(str(files("conf")))
    choices = {
        group: sorted(_choices(shipped / group) | _choices(folder / group))
        for group in (*KINDS, *GROUPS)
        if group != "config"
    }
    make_directory(folder / "schema")
    for kind, schema in json_schemas(shipped, choices, formats()).items():
        write_if_changed(folder / "schema" / f"{kind}.json", as_json(schema))
        place = folder / _IN.get(kind, kind) / "*.yaml"
        print(to_terminal(f"{place}  # yaml-language-server: $schema=../schema/{kind}.json"))


def _choices(folder: Path) -> set[str]:
    """Return the names of the files below *folder* as a defaults list writes them."""
    names = (p.relative_to(folder).with_suffix("").as_posix() for p in folder.rglob("*.yaml"))
    return {name for name in names if name.isprintable()}


main = command("colloquy-schema", USAGE, _write)
