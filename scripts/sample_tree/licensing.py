"""One folder for each way of saying who may have a file, and the site policy that goes with the tree."""

from __future__ import annotations

from scripts.sample_tree.items import EmptyFolder, Item, day, noise, text

MODIFIED = day(2026, 2, 16)
MEMBERS = "members"

EVALUATION_LICENCE = """\
SAMPLE EVALUATION LICENCE
1. You may use this file to try out a publishing server.
   It does nothing else.
2. There is no warranty."""
FIRMWARE_LICENCE = """\
SAMPLE FIRMWARE LICENCE
You may keep a copy of this file on each board you own."""
VENDOR_LICENCE = "SAMPLE VENDOR LICENCE\nThis text stands in the site policy."

POLICY = f'''\
# Site policy of the sample tree: rules that stand above the control files in the tree itself.

[[rule]]
path = "members/**"
tier = "private"
groups = ["{MEMBERS}"]

[[rule]]
path = "partners/**"
tier = "private"
groups = ["partners", "{MEMBERS}"]
visibility = "listed"

[[rule]]
path = "embargo/**"
tier = "private"
groups = ["security"]
visibility = "hidden"

[[rule]]
path = "vendor/**"
tier = "eula"
licence_text = """
{VENDOR_LICENCE}"""

[[rule]]
path = "vendor/open/**"
tier = "public"

[[rule]]
path = "licensing/overridden/**"
tier = "public"
override = true
'''


def build_info(*blocks: str, version: str = "0.5") -> str:
    """A BUILD-INFO.txt: its format, then one block for each set of files."""
    return "\n".join((f"Format-Version: {version}\n", *blocks))


def open_block(pattern: str) -> str:
    """Files that anybody may have."""
    return f"Files-Pattern: {pattern}\nBuild-Name: sample\nLicense-Type: open\n"


def protected_block(pattern: str, licence: str) -> str:
    """Files for which a licence must be accepted first."""
    lines = licence.replace("\n", "\n ")
    return (
        f"Files-Pattern: {pattern}\nBuild-Name: sample\nTheme: linaro\nLicense-Type: protected\n"
        f"License-Text: {lines}\n"
    )


def group_block(pattern: str, *groups: str, field: str = "Auth-Groups") -> str:
    """Files for members of one of these groups."""
    return f"Files-Pattern: {pattern}\nBuild-Name: sample\n{field}: {', '.join(groups)}\nLicense-Type: open\n"


BUILD_INFOS = {
    "open": build_info(open_block("*")),
    "protected": build_info(protected_block("*.bin", FIRMWARE_LICENCE), open_block("*.txt")),
    "several-licences": build_info(
        protected_block("firmware.bin", FIRMWARE_LICENCE),
        protected_block("firmware.bin", EVALUATION_LICENCE),
        open_block("notes.txt"),
    ),
    "open-beside-protected": build_info(protected_block("*", FIRMWARE_LICENCE), open_block("notes.txt")),
    "groups": build_info(group_block("*.bin", MEMBERS, "partners"), open_block("*.txt")),
    "groups-and-licence": build_info(
        protected_block("*.bin", FIRMWARE_LICENCE).replace(
            "License-Type", f"Auth-Groups: {MEMBERS}\nLicense-Type"
        ),
        open_block("*.txt"),
    ),
    "protected-folder": build_info(group_block("*.bin, *.txt,", MEMBERS)),
    "deprecated-teams": build_info(group_block("*", MEMBERS, field="OpenID-Launchpad-Teams")),
    "format-0.1": build_info(protected_block("*.bin", FIRMWARE_LICENCE), open_block("*.txt"), version="0.1"),
    "any-case": build_info(open_block("*")).replace("License-Type: open", "LICENSE-TYPE: Open"),
    "uncovered": build_info(open_block("*.txt")),
    "malformed": build_info(open_block("*")) + "This line is not a field\n",
    "empty": "",
    "overridden": build_info(protected_block("*", FIRMWARE_LICENCE)),
}
"""Content of BUILD-INFO.txt by the folder, below `licensing/`, that shows what it does."""


EULA_FILES = {
    "eula/EULA.txt": f"{EVALUATION_LICENCE}\n",
    "eula-default/EULA.txt": "\n",
    "open-eula/OPEN-EULA.txt": "Everything in this folder is open.\n",
    "named-eula/firmware.bin.EULA.txt.linaro": f"{FIRMWARE_LICENCE}\n",
}
"""EULA files below `licensing/`, each alone in its folder. A blank one stands for the site's default text."""


def licensing() -> list[Item]:
    """Every variant of control file, each over the same two files."""
    items: list[Item] = []
    for folder, content in BUILD_INFOS.items():
        items += _pair(f"licensing/{folder}")
        items.append(text(f"licensing/{folder}/BUILD-INFO.txt", content, MODIFIED))
    for path, content in EULA_FILES.items():
        items += _pair(f"licensing/{path.partition('/')[0]}")
        items.append(text(f"licensing/{path}", content, MODIFIED))
    return [*items, EmptyFolder("licensing/empty-folder", MODIFIED)]


def restricted() -> list[Item]:
    """Areas that the site policy governs; the members' area has rules of its own as well."""
    rules = build_info(group_block("*,", MEMBERS))
    return [
        text("members/BUILD-INFO.txt", rules, MODIFIED),
        text("members/roadmap.txt", "What comes next is for members.\n", MODIFIED),
        noise("members/preview.img", 50_000, MODIFIED),
        text("members/board/BUILD-INFO.txt", rules, MODIFIED),
        noise("members/board/preview.img", 30_000, MODIFIED),
        *_pair("partners"),
        *_pair("embargo"),
        *_pair("vendor"),
        *_pair("vendor/open"),
    ]


def _pair(folder: str) -> list[Item]:
    return [
        noise(f"{folder}/firmware.bin", 10_000, MODIFIED),
        text(f"{folder}/notes.txt", f"Notes on {folder}.\n", MODIFIED),
    ]
