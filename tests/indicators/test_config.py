"""The indicators file: what it says is in force, what it leaves out is the default, and what is wrong is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from stream.cli import commands
from stream.core.definitions import Definitions, ScorePart, ScoreParts, Step, WordLists
from stream.indicators.catalogue import ALERTS
from stream.indicators.config import Config, lines_of, parsed
from stream.indicators.in_force import KNOWN, alerts_in_force
from stream.render.indicators_file import indicators_file

DEPLOYED = Path(__file__).parents[2] / "deploy" / "indicators.toml"

CHOSEN = """
[definitions]
first_week_days = 4
csat_7_from = 6
retention_days = [30, 3]
visit_gap_minutes = 20
segment = "plan"
lexicon = "vader"
journey = ["signup", { type = "interaction", action = "play" }]
score.activity = { points = 50, full = 20 }
score.visits.points = 10
[definitions.themes]
price = ["cher", "expensive"]
delivery = ["livré en retard"]
[definitions.sentiments]
negative = ["bug"]

[alerts]
EngagementNpsDrop.threshold = 15
[alerts.EngagementHighRisk]
threshold = 0.3
for = "1h30m"

[targets]
engagement_stickiness_ratio = 0.25
engagement_nps_score = -5
"""


def read(text: str) -> Config:
    return parsed(text, "indicators.toml", "/indicators.toml", KNOWN)


def mistakes(text: str) -> list[str]:
    with pytest.raises(ValueError, match=r"indicators\.toml") as error:
        read(text)
    return str(error.value).splitlines()


def test_what_is_left_out_is_the_default() -> None:
    assert read("") == Config(Definitions(), {}, {}, "/indicators.toml")
    assert alerts_in_force(read("")) == ALERTS


def test_what_it_says_is_in_force() -> None:
    config = read(CHOSEN)
    themes = WordLists((("delivery", ("livré en retard",)), ("price", ("cher", "expensive"))))
    sentiments = WordLists((("negative", ("bug",)),))
    journey = (Step("signup"), Step("interaction", (("action", "play"),)))
    score = ScoreParts(activity=ScorePart(50, 20), visits=ScorePart(10, 12))
    assert config.definitions == Definitions(4, 6, (3, 30), 20, "plan", journey, score, themes, sentiments, "vader")
    in_force = alerts_in_force(config)
    assert {name: alert.threshold for name, alert in in_force.items()} == {
        "EngagementStickinessLow": 0.1,
        "EngagementFirstWeekFalling": 0.2,
        "EngagementNpsDrop": 15,
        "EngagementResolutionSlow": 172_800,
        "EngagementTicketsReopened": 0.2,
        "EngagementRepeatPurchaseFalling": 0.1,
        "EngagementReturnsRising": 0.03,
        "EngagementScoreFalling": 0.1,
        "EngagementHighRisk": 0.3,
        "EngagementHighRiskRising": 0.05,
        "EngagementRevenueAtRisk": 0.0,
    }
    assert (in_force["EngagementHighRisk"].for_, in_force["EngagementNpsDrop"].for_) == ("1h30m", "1h")
    assert config.targets == {"engagement_stickiness_ratio": 0.25, "engagement_nps_score": -5.0}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("definitions.csat_7_from = 9", "definitions.csat_7_from: must be 5 or 6, not 9"),
        ("definitions.csat_7_from = 5.0", "definitions.csat_7_from: must be 5 or 6, not 5.0"),
        ("definitions.first_week_days = 8", "definitions.first_week_days: must be a whole number from 1 to 7, not 8"),
        (
            "definitions.first_week_days = true",
            "definitions.first_week_days: must be a whole number from 1 to 7, not true",
        ),
        (
            "definitions.retention_days = [1, 64]",
            "definitions.retention_days: must be a list of different whole numbers from 1 to 63, not [1, 64]",
        ),
        (
            "definitions.retention_days = [7, 7]",
            "definitions.retention_days: must be a list of different whole numbers from 1 to 63, not [7, 7]",
        ),
        (
            "definitions.retention_days = []",
            "definitions.retention_days: must be a list of different whole numbers from 1 to 63, not []",
        ),
        (
            "definitions.visit_gap_minutes = 0",
            "definitions.visit_gap_minutes: must be a whole number from 1 to 240, not 0",
        ),
        (
            'definitions.segment = "tier"',
            'definitions.segment: must be "segment", "plan" or "country", not "tier"',
        ),
        (
            "definitions.themes.price = []",
            'definitions.themes: must be a table of lists of words, such as { price = ["cher", "expensive"] }, not '
            "{ price = [] }",
        ),
        (
            'definitions.sentiments.mixed = ["so-so"]',
            'definitions.sentiments: must be a table of lists of words, such as { positive = ["merci"], negative = '
            '["bug"] }, not { mixed = ["so-so"] }',
        ),
        ('definitions.lexicon = "afinn"', 'definitions.lexicon: must be "none" or "vader", not "afinn"'),
        (
            'definitions.journey = ["sign_up"]',
            "definitions.journey: there is no event type sign_up; the nearest: signup",
        ),
        (
            'definitions.journey = [{ type = "interaction", acton = "play" }]',
            "definitions.journey: interaction has no field acton; the nearest: action",
        ),
        *(
            (
                f"definitions.journey = {journey}",
                "definitions.journey: must be a list of 1 to 8 different steps, each an event type or "
                f"{{ type = …, field = value, … }}, not {journey}",
            )
            for journey in ("[]", '["login", "login"]', '[{ action = "play" }]', "[3]", '"login"')
        ),
        *(
            (
                f"definitions.score = {score}",
                "definitions.score: must be parts, each { points = …, full = 1 to 30 }, whose points add up to 100, "
                f"not {score}",
            )
            for score in (
                "{ activity = { points = 50 } }",
                "{ activity = { full = 31 } }",
                "{ voice = { full = 2 } }",
                "{ mood = { points = 0 } }",
                "{ activity = 40 }",
                "3",
            )
        ),
        ("definitions = 3", "definitions: must be a table: [definitions], not 3"),
        (
            "alerts.EngagementHighRisk = 0.3",
            "alerts.EngagementHighRisk: must be a table: [alerts.EngagementHighRisk], not 0.3",
        ),
        (
            'alerts.EngagementHighRisk.threshold = "high"',
            'alerts.EngagementHighRisk.threshold: must be a number, not "high"',
        ),
        (
            "alerts.EngagementHighRisk.threshold = inf",
            "alerts.EngagementHighRisk.threshold: must be a number, not inf",
        ),
        (
            "alerts.EngagementNpsDrop.threshold = -10",
            "alerts.EngagementNpsDrop.threshold: must be a number above 0: it is a change, not -10",
        ),
        (
            'alerts.EngagementNpsDrop.for = "1 h"',
            'alerts.EngagementNpsDrop.for: must be a duration such as "30m" or "1h30m", not "1 h"',
        ),
        (
            'alerts.EngagementNpsDrop.for = ""',
            'alerts.EngagementNpsDrop.for: must be a duration such as "30m" or "1h30m", not ""',
        ),
        ("targets.engagement_events = -inf", "targets.engagement_events: must be a number, not -inf"),
        ("targets.engagement_nps_score = nan", "targets.engagement_nps_score: must be a number, not nan"),
        (
            "definitions.first_week = 3",
            "definitions.first_week: is not known here; the nearest that is: first_week_days",
        ),
        (
            "alerts.EngagementNPSDrop.threshold = 3",
            "alerts.EngagementNPSDrop: is not known here; the nearest that is: EngagementNpsDrop",
        ),
        (
            "alerts.EngagementNpsDrop.limit = 3",
            "alerts.EngagementNpsDrop.limit: is not known here; the nearest that is: threshold",
        ),
        (
            "targets.engagement_nps = 30",
            "targets.engagement_nps: is not known here; the nearest that is: engagement_nps_score",
        ),
        ("target.engagement_nps_score = 30", "target: is not known here; the nearest that is: targets"),
    ],
)
def test_a_mistake_is_told_with_its_line_its_key_and_what_may_stand_there(line: str, told: str) -> None:
    assert mistakes(f"# the second line:\n{line}\n") == [f"indicators.toml:2: {told}"]


def test_who_does_not_know_the_catalogue_reads_the_file_all_the_same_but_for_names() -> None:
    text = "[alerts]\nNobodyKnows.threshold = -1\nNobodyKnows.for = 3\n[targets]\nnobody_knows = true\n"
    with pytest.raises(ValueError, match="indicators") as error:
        parsed(text, "indicators.toml", "/indicators.toml")
    assert [line.split(": ")[:2] for line in str(error.value).splitlines()] == [
        ["indicators.toml:3", "alerts.NobodyKnows.for"],
        ["indicators.toml:5", "targets.nobody_knows"],
    ]


def test_all_mistakes_are_told_together_in_the_order_of_their_lines() -> None:
    told = mistakes("[targets]\nengagement_nps = 1\n[definitions]\nsegment = 1\ncsat_7_from = 1\n[alert]\n")
    assert [line.split(": ")[:2] for line in told] == [
        ["indicators.toml:2", "targets.engagement_nps"],
        ["indicators.toml:4", "definitions.segment"],
        ["indicators.toml:5", "definitions.csat_7_from"],
        ["indicators.toml:6", "alert"],
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[definitions]\nfirst_week_days = \n", "indicators.toml:2: is not TOML: Invalid value"),
        ("[definitions]\na = 1\na = 2\n", "indicators.toml:3: is not TOML: Cannot overwrite a value"),
        ('# text\na = """\n', "indicators.toml:2: is not TOML: Unterminated string"),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(text: str, told: str) -> None:
    assert mistakes(text) == [told]


def test_a_key_is_found_however_toml_writes_it() -> None:
    text = '''\
top = 1
"quoted key" = 2  # [not.a.table]
[a]
many = [
  "# no comment",
  "[no.table]",
]
b.c = 3\r
long = """
[neither]
c = 4
"""
inline = { d = 5, e = { f = 6 } }

  [a.g]
h = 7
[[list]]
[[list]]
i = 8
'''
    assert lines_of(text) == {
        ("top",): 1,
        ("quoted key",): 2,
        ("a",): 3,
        ("a", "many"): 4,
        ("a", "b"): 8,
        ("a", "b", "c"): 8,
        ("a", "long"): 9,
        ("a", "inline"): 13,
        ("a", "inline", "d"): 13,
        ("a", "inline", "e"): 13,
        ("a", "inline", "e", "f"): 13,
        ("a", "g"): 15,
        ("a", "g", "h"): 16,
        ("list",): 17,
    }


def test_the_file_in_deploy_says_the_defaults_and_its_examples_are_right() -> None:
    text = DEPLOYED.read_text(encoding="utf-8")
    config = parsed(text, "", "", KNOWN)
    assert (config.definitions, alerts_in_force(config), config.targets) == (Definitions(), ALERTS, {})
    examples = re.sub(r"^# (engagement_\w+ = )", r"\1", text, flags=re.MULTILINE)
    targets = parsed(examples, "", "", KNOWN).targets
    assert targets == {"engagement_stickiness_ratio": 0.2, "engagement_nps_score": 30.0}


def test_what_is_in_force_is_written_so_that_it_is_read_again() -> None:
    again = read(indicators_file(read(CHOSEN)))
    assert (again.definitions, again.targets) == (read(CHOSEN).definitions, read(CHOSEN).targets)
    assert alerts_in_force(again) == alerts_in_force(read(CHOSEN))


def test_the_command_prints_what_is_in_force(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    by_default = CliRunner().invoke(commands, ["indicators"])
    assert by_default.exit_code == 0
    assert by_default.output == DEPLOYED.read_text(encoding="utf-8").partition("\n")[2]

    Path("indicators.toml").write_text(CHOSEN)
    monkeypatch.setenv("ASSIDU_INDICATORS", "indicators.toml")
    chosen = CliRunner().invoke(commands, ["indicators"])
    assert "visit_gap_minutes = 20\n" in chosen.output


@pytest.mark.parametrize("command", [["indicators"], ["worker"], ["exporter"], ["topics"], ["render", "--check"]])
def test_every_command_tells_of_all_mistakes_at_once(
    command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("indicators.toml").write_text("[definition]\n[targets]\nengagement_nps = 30\n")
    monkeypatch.setenv("ASSIDU_INDICATORS", "indicators.toml")
    monkeypatch.setenv("ASSIDU_PARTITIONS", "0")
    wrong = CliRunner().invoke(commands, command)
    assert wrong.exit_code == 2
    for told in (
        "indicators.toml:1: definition: is not known here; the nearest that is: definitions",
        "indicators.toml:3: targets.engagement_nps: is not known here; the nearest that is: engagement_nps_score",
        "ASSIDU_PARTITIONS='0'",
    ):
        assert told in wrong.output
