#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lists the functions of C++ files that have more lines than allowed: functions.py LINES FILE...

A function is counted from the first line of its head (template line, attributes and return type included) to its closing brace;
a lambda belongs to the function around it. This is no parser: comments, strings and preprocessor lines are blanked, then braces
are matched. It relies on clang-format only in that a file's braces balance outside of macros.
"""

import re
import sys

TOKENS = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<raw>R"(?P<tag>[^()\s]{0,16})\(.*?\)(?P=tag)")
      | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+')
      | (?P<directive>^[ \t]*\#(?:\\\n|[^\n])*)
      | (?P<digits>\b[0-9][0-9a-fA-FxX.]*(?:'[0-9a-fA-F]+)+)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE)

SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
NAME = re.compile(r"(operator\s*[^\s\w]+|~?\w+)\s*\($")


def blanked(text):
    """The text with what is no code replaced by spaces; a string keeps its quotes, so that it stays an operand."""

    def blank(match):
        keep = "" if match.lastgroup in ("comment", "directive") else '""'
        rest = re.sub(r"[^\n]", " ", match.group())
        return keep + rest[len(keep):] if "\n" not in rest[:len(keep)] else rest

    return TOKENS.sub(blank, text)


LAMBDA = re.compile(r"(?<![\w\]])\[[^\[\]]*\]\s*(\([^{}]*\))?\s*(mutable|noexcept|->[^{}()]*|\s)*$")
INNER, MEMBER = "(inner)", "(member)"
ACCESS = re.compile(r"\s*(?:(?:public|private|protected)\s*:\s*)*")


def without_parentheses(text):
    """The text with what stands in parentheses and brackets left out."""
    depth, kept = 0, []
    for character in text:
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif depth == 0:
            kept.append(character)
    return "".join(kept)


def function_name(head):
    """The name of the function whose head this is, None for any other block."""
    opening = head.find("(")
    if LAMBDA.search(head):
        return "lambda"
    if opening < 0:
        return None
    before = head[:opening + 1]
    # A template's parameters may hold anything; an = before the parameter list makes it a variable.
    declared = re.sub(r"^\s*template\s*<.*?>\s*(?=[\w\[])", "", before, flags=re.DOTALL)
    if re.search(r"(?<![=!<>])=(?!=)", declared) and "operator" not in declared:
        return None
    if SCOPE.match(declared.strip()) and not re.search(r"[\w>&*]\s+[\w:~]+\s*\($", declared):
        return None
    name = NAME.search(before)
    return name.group(1) if name else None


def initialises_member(head):
    """Whether the brace after this head is one of a constructor's list of members, as in Name(int x) : member_{x}, other_{} {"""
    after = without_parentheses(head[head.find("("):])
    return re.search(r"(?<!:):(?!:)", after) is not None and re.search(r"[\w>]\s*$", head) is not None


def functions(text):
    """(name, first line, last line) of every function body, outermost ones only."""
    code = blanked(text)
    start, head_from, stack = None, 0, []  # stack: of each open block the function's name, INNER or MEMBER; None for a scope
    for match in re.finditer(r"[{};]", code):
        at, character = match.start(), match.group()
        if character == "{":
            if any(stack):
                stack.append(INNER)
                continue
            head = code[head_from:at]
            head = head[ACCESS.match(head).end():]
            name = function_name(head)
            if name and initialises_member(head):
                name = MEMBER
            stack.append(name)
            start = at - len(head)
        elif character == "}":
            if not stack:
                raise ValueError(f"line {code.count(chr(10), 0, at) + 1}: a brace closes nothing")
            name = stack.pop()
            if name is MEMBER:
                continue  # the head goes on behind it
            if name and not any(stack):
                yield name, code.count("\n", 0, start) + 1, code.count("\n", 0, at) + 1
        if not any(stack):
            head_from = at + 1
    if stack:
        raise ValueError(f"{len(stack)} braces are not closed")


def main():
    limit, found = int(sys.argv[1]), 0
    for file in sys.argv[2:]:
        with open(file, encoding="utf-8") as source:
            text = source.read()
        try:
            for name, first, last in functions(text):
                if last - first + 1 > limit:
                    print(f"{file}:{first}: {name}: {last - first + 1} lines")
                    found = 1
        except ValueError as error:
            print(f"{file}: {error}")
            found = 1
    return found


if __name__ == "__main__":
    sys.exit(main())
