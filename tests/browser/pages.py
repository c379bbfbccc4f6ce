"""Every page that the browser tests look at: one line each.

A path names what the seeded server holds: {twelve} is an experiment, {twelve:zero:0} the run
of its arm `zero` on seed 0, {kept} the hash of a state of {decoders} that was kept.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    name: str
    path: str
    status: int = 200
    #: A form's page is what comes back: fields that are filled, then the button. The status is
    #: that of the answer.
    fill: tuple = ()
    press: str = ""


PAGES = [
    Entry("experiments", "/"),
    Entry("queue", "/queue"),
    Entry("login", "/login"),
    Entry(
        "login-refused",
        "/login",
        status=401,
        fill=(("form.card input", "no token at all"),),
        press="form.card button.primary",
    ),
    Entry("nothing-here", "/nowhere", status=404),
    Entry("experiment-twelve", "/experiments/{twelve}"),
    Entry("experiment-other-figure", "/experiments/{twelve}?metric=length&curve=kl&smoth=1"),
    Entry(
        "experiment-asked",
        "/experiments/{twelve}?budget=1e9&base=zero&color=family&pin=training,forest",
    ),
    Entry("experiment-without-a-price", "/experiments/{twelve}?x=usd"),
    Entry("experiment-every-seed", "/experiments/{twelve}?seeds=1"),
    Entry("experiment-on-canvas", "/experiments/{many}?seeds=1"),
    Entry("experiment-other-questions", "/experiments/{twelve}?questions=1"),
    # Whatever its data are now, their hash is another.
    Entry("experiment-of-old-data", "/experiments/{half}?snap=0123456789abcdef"),
    Entry("experiment-curves", "/experiments/{twelve}/curves?band=minmax"),
    Entry("experiment-decoders", "/experiments/{decoders}"),
    # Amended, and with a run left out.
    Entry("experiment-half", "/experiments/{half}"),
    # Without a finished run, and with its verdict withheld: it has registered no attempts.
    Entry("experiment-waiting", "/experiments/{waiting}"),
    Entry("experiment-kept", "/experiments/{decoders}?snap={kept}"),
    Entry("experiment-hostile", "/experiments/{hostile}"),
    Entry("run", "/runs/{twelve:zero:1}"),
    Entry("run-part", "/runs/{twelve:zero:1}?x0=20&x1=60&log=1&smooth=0.6"),
    Entry("run-of-several-stages", "/runs/{twelve:prm-rl:0}"),
    Entry("run-with-all-metrics", "/runs/{twelve:prm-rl:0}?metrics=all"),
    Entry("run-of-a-decoder", "/runs/{decoders:rerank:0}"),
    Entry("run-of-a-search", "/runs/{decoders:tree:1}"),
    # Left out, with notes.
    Entry("run-excluded", "/runs/{half:arm-0:1}"),
    Entry("run-hostile-excluded", "/runs/{hostile:arm-2:0}"),
    Entry("run-running", "/runs/{half:arm-1:3}"),
    Entry("run-failed", "/runs/{half:arm-1:1}"),
    Entry("run-waiting", "/runs/{waiting:arm-0:0}"),
    Entry("run-hostile", "/runs/{hostile:arm-1:0}"),
    Entry("run-hostile-failed", "/runs/{hostile:arm-1:1}"),
    # A metric and a purpose whose names hide something.
    Entry("run-hostile-metrics", "/runs/{hostile:arm-1:0}?metrics=all"),
    Entry("cost", "/cost"),
    Entry("references", "/references"),
    Entry("interface", "/docs/api"),
    Entry("cost-by-arm", "/cost?experiment={twelve}"),
    Entry("cost-hostile", "/cost?experiment={hostile}"),
    Entry("new-experiment", "/experiments/new"),
    Entry("new-from-hostile", "/experiments/new?from={hostile}"),
    Entry("new-from-preset", "/experiments/new?preset=quick"),
    Entry(
        "new-with-errors",
        "/experiments/new?preset=quick",
        status=422,
        fill=(("#f-seeds", "none"), ("#f-amount", "much")),
        press="#fields button.primary",
    ),
    Entry("compare", "/compare?runs={twelve:zero:0},{twelve:sft-few:0}"),
    Entry("compare-collapsed", "/compare?arms={twelve}/zero,{twelve}/sft-few&collapse=1"),
    Entry("compare-empty", "/compare"),
    Entry("compare-arms", "/compare?arms={twelve}/zero,{twelve}/prm-rl,{half}/arm-1&base={twelve}/zero"),
    Entry(
        "compare-hostile",
        "/compare?arms={hostile}/arm-0,{hostile}/arm-1,{hostile}/arm-2,{hostile}/arm-3&base={hostile}/arm-1",
    ),
    Entry(
        "compare-asked",
        "/compare?arms={twelve}/zero,{twelve}/prm-rl,{half}/arm-1"
        "&x=device_s&band=minmax&seeds=1&budget=1000&hide={twelve}/prm-rl",
    ),
    Entry("compare-half", "/compare?arms={half}/arm-0,{half}/arm-1&runs={half:arm-1:1}"),
    Entry("compare-decoders", "/compare?arms={decoders}/zero,{decoders}/majority,{decoders}/rerank,{decoders}/tree"),
    Entry("graveyard", "/experiments/{twelve}/graveyard"),
    Entry("graveyard-hostile", "/experiments/{hostile}/graveyard"),
    Entry("graveyard-half", "/experiments/{half}/graveyard"),
    Entry("graveyard-decoders", "/experiments/{decoders}/graveyard"),
    Entry("samples", "/runs/{twelve:zero:1}/samples"),
    Entry("samples-beside", "/runs/{twelve:zero:1}/samples?step=40&with=80"),
    Entry("samples-hostile", "/runs/{hostile:arm-1:0}/samples"),
    Entry("samples-typeset", "/runs/{hostile:arm-1:0}/samples?render=1"),
    Entry("trees", "/runs/{twelve:selftrain:0}/trees"),
    Entry("tree", "/runs/{twelve:selftrain:0}/trees/16-1"),
    Entry("tree-node", "/runs/{twelve:selftrain:0}/trees/16-1?from=5&node=5"),
    Entry("trees-hostile", "/runs/{hostile:arm-3:0}/trees"),
    Entry("tree-hostile", "/runs/{hostile:arm-3:0}/trees/16-1?node=3"),
    Entry("prm", "/runs/{twelve:prm-rl:0}/prm"),
    Entry("prm-text", "/runs/{twelve:prm-rl:0}/prm/40-1"),
    Entry("prm-hostile", "/runs/{hostile:arm-3:0}/prm"),
    Entry("prm-text-hostile", "/runs/{hostile:arm-3:0}/prm/40-1"),
]

#: By name.
PAGE = {entry.name: entry for entry in PAGES}


def path_of(entry, site):
    def found(match):
        parts = match[1].split(":")
        if parts == ["kept"]:
            return site["kept"]
        if len(parts) == 1:
            return site["experiments"][parts[0]]
        experiment, arm, seed = parts
        return site["runs"][experiment][arm][seed]

    return re.sub(r"\{([^}]+)\}", found, entry.path)
