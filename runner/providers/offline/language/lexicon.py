"""Lexicon: word lists of general English."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP_WORDS = _words(
    """
    a about above across actually after again against ago ah all almost along already also although
    always am among an and another any anybody anyone anything anyway are aren't around as ask at
    away back basically be because been before being below between both but by call came can can't
    cannot certain certainly clearly come could couldn't did didn't do does doesn't doing don't
    done down during each either else enough er even ever every everybody everyone everything
    exactly far few fine for forth frankly from further gave get gets getting give given go goes
    going gone gonna good got great had hadn't has hasn't have haven't having he he'd he'll he's
    hello her here here's hers herself hey hi him himself his hm hmm how how's however i i'd i'll
    i'm i've if in indeed instead into is isn't it it'd it'll it's its itself just kind kinda know
    last later least less let let's like little look lot lots made make many may maybe me mean
    might mm more most mostly much must my myself near nearly need never new next no nobody none
    nor not nothing now obviously of off often oh ok okay on once one one's ones only onto or other
    others otherwise ought our ours ourselves out over own per perhaps please pretty probably put
    quite rather really regarding right roger said same say saying says see seem seems seen several
    shall she she'd she'll she's should shouldn't simply since so some somebody somehow someone
    something sometimes somewhere soon sort still such sure take taken tell than thank thanks that
    that'd that'll that's the their theirs them themselves then there there'd there'll there's
    therefore these they they'd they'll they're they've thing things think this those though
    through thus till to today together told too took toward towards try trying two type uh um
    under unless until up upon us use used usually very via wanna want wants was wasn't way we we'd
    we'll we're we've well went were weren't what what's whatever when where where's whether which
    while who who's whole whom whose why will with within without won't would wouldn't yeah year
    years yep yes yet you you'd you'll you're you've your yours yourself
    three four five six seven eight nine ten hundred first second third eleven twelve fifteen
    twenty thirty forty fifty sixty seventy eighty ninety thousand million billion
    mr mrs ms dr sir gentleman gentlewoman lady chairman madam
    """
)

# Frequent verbs, adjectives and adverbs that would make poor names for a topic.
NOT_NOUNS = _words(
    """
    able added adding address afraid agree agreed aware bad barely based become becomes becoming
    began begin believe best better big bigger bit bring brought care case cause certain
    change changed chance clear close common comes completely consider couple curious
    currently day days deal definitely different difficult directly discuss does easier easy end
    entire especially essentially explain extremely fact fair feel felt figure find follow forward
    found free full general generally getting glad guess guys half happen happened happens happy
    hard hear heard help helpful high higher highest hold honest hope hour hours huge idea important
    interested interesting involved issue issues join keep kept known large larger late leave left
    long longer looked looking looks love low lower main matter maybe mention mentioned minute
    minutes moment month months morning move moving nice obvious open opinion part particular
    particularly past people perfect person place plus point points possible potential present
    previous problem problems quick quickly quote raise rate ready real reason recent related
    respect rest saw send serious session set share short show shows side similar simple single
    situation small somewhat specific specifically start started state stay step stop strong stuff
    suggest suppose surely talk talked talking terms test thought time times tomorrow tonight top
    true turn understand unit various view wait watch week weeks wish wonder wondering word words
    work worked working works worried worry worth wrong yesterday guy kinds level number numbers
    positive negative push piece question questions answer answers example sense amount area
    sentence testimony statement remarks offhand member members effective
    perspective
    """
)

NOUNS_IN_LY = _words("supply family assembly reply monopoly anomaly ally fly bully")

# Words of instructions to a model, not of the question's subject.
PROMPT_WORDS = _words(
    """
    analyze analyse answer assess data evidence field fields find finding findings following
    identify insight insights json list output produce prompt question quote quotes return
    segment segments speaker speakers statement statements structured task text transcript
    verbatim write
    """
)

# Words for the form or the addressee of a question, not its subject.
ASKING_WORDS = _words(
    """
    agree ask attitude comment consider conversation describe detail disagree discuss discussion
    explain feel group idea interview introduce meeting mention opinion people person react
    reaction reason regard remark respond response speak suggest summarise summarize summary
    talk team tell think topic view
    """
)

# Verbs of what is done outside the talk; those of the second list only with a date.
WORK = _words(
    """
    adjust analyse analyze annotate apply approach arrange assemble assign audit book build buy
    calculate cancel change check circulate clean collect compare compile complete compose
    confirm connect contact convert coordinate copy correct create debug define deliver deploy
    design develop distribute document download draft edit email e-mail enable ensure escalate
    estimate evaluate examine export extend fetch file finish fix forward gather generate hire
    implement import inform inspect install integrate invite invoice investigate load log mail map
    measure merge message migrate negotiate notify order organise organize pack paint patch pay
    phone plan plant post prepare print process produce program prototype publish purchase
    query recalculate record recruit redesign refactor refund register reinstall remove
    rename rent repair replace reply report request reschedule research reserve reset restart
    restore return review revise rewrite scan schedule screenshot secure sell send set ship
    sign simulate sketch solve submit summarise summarize survey switch test train transfer
    translate tune type update upgrade upload validate verify visit weigh wire write
    """
)
LOOSE_WORK = _words(
    """
    bring come draw drive drop fill find follow get give go keep look make meet move open pass
    pick pull push put raise reach remind search see sort start stop take tell turn work
    """
)

ABBREVIATIONS = _words(
    "mr mrs ms dr prof hon st jr sr vs e.g i.e etc no nos fig approx dept gen gov sen rep inc corp "
    "ltd co secs mins hrs sec min art al cf ed eds vol pp"
)

# Discourse markers that may open a sentence; longer ones first.
LEADING_MARKERS = (
    r"without further ado",
    r"thank you(?: very much| so much)?(?:,? (?:mr|mrs|ms|madam)\.? \w+)?(?=\s*[,.!;])",
    r"(?:mr|madam)\.? (?:chairman|chairwoman|chair|speaker|president)(?=\s*[,.!;])",
    r"(?:i mean|you know|you see|to be honest|to be frank|like i said)"
    r"(?=\s*[,.!;–—]| (?:i|we|it|the|that|you|they)\b)",
    # Before a comma or stop only: "Good rules" and "Right now" say something.
    r"(?:right|good|great|sure|cool|look|listen|well then|anyway|anyways|alright|all right|roger|"
    r"thanks|hey|oh|ah)(?=\s*[,.!;–—])",
    r"(?:okay|ok|'kay|yeah|yep|yes|yup|well|so|and|but|uh|um|hmm|mm)(?!-)",
    r"first of all",
)
