# %% [markdown]
# # An audit in a notebook
#
# This page is `docs/notebook.py`, run: each `# %%` begins a cell, in editors that know the percent format and in
# Jupyter with jupytext. It needs `pip install 'lowkey-audit[pandas]'`, and no photos: the people do not exist.
# `python docs/rendered.py` runs it and writes this page.

# %% [markdown]
# What is asked. The names are those of `audit --help`, with underscores. The numbers are small, so that it takes a
# minute: six people answer little, as the intervals will show.

# %%
from pathlib import Path

import pandas

from audit import audit
from audit.gate import judge
from audit.policy import Condition, Policy
from reports import render
from reports.console.gate import lines

run = Path("runs/notebook")
choices = {
    "attack": ["lowkey:small", "opom"],
    "recogniser": ["zoo:mobile", "zoo:vit"],
    "adversary": ["oblivious"],
    "protected": 6,
    "probes": 3,
    "gallery": 4,
    "others": 20,
    "distractors": 60,
    "background": 10,
    "background_pictures": 4,
}

# %% [markdown]
# The report shows itself as the table of its answers. It is stored in `runs/notebook`, and what was computed is kept:
# the cell answers at once when it is run again.

# %%
report = audit("offline", out=run, **choices)
report

# %% [markdown]
# ## As a data frame
#
# One row for each outcome of each measurement. Noise of each cloak's energy is the control.

# %%
frame = report.to_frame()
ranked = frame[frame.outcome == "rank-1"]
ranked.pivot_table("protection", ["cloak", "recogniser"], "transform").round(2)

# %% [markdown]
# Never read protection without its control, nor without its interval:

# %%
columns = ["cloak", "recogniser", "protection", "protection_low", "protection_high", "clean"]
ranked[(ranked["transform"] == "none") & ~ranked.is_control][columns].round(2)

# %% [markdown]
# ## Two cloaks on the same probes
#
# The difference is paired by person, so that it may be clear where both intervals are wide. Where its interval holds
# 0, the audit does not tell the two cloaks apart.

# %%
paired = [c for c in report.comparisons if c.what == "cloaks"]
pandas.DataFrame(
    {
        "cloak": [c.one.attack for c in paired],
        "less": [c.less.attack for c in paired],
        "recogniser": [c.one.recogniser for c in paired],
        "transform": [c.transform for c in paired],
        "difference": [c.difference for c in paired],
        "low": [c.interval[0] for c in paired],
        "high": [c.interval[1] for c in paired],
    }
).round(2)

# %% [markdown]
# Protection is one side only. How visible is each cloak?

# %%
pandas.DataFrame([q.model_dump() for c in report.cloaks for q in c.quality])[
    ["attack", "pictures", "dssim", "dssim_max", "psnr", "linf"]
].round(3)

# %% [markdown]
# ## A gate
#
# The keys are those of [gates](gates.md). It passes if the worse end of every selected figure satisfies the demand.

# %%
policy = Policy(
    gate=(
        Condition(
            name="survives JPEG 75", cloak=("lowkey:small",), transform=("jpeg:75",), at_least=0.5
        ),
        Condition(name="is hard to see", judge="dssim", cloak=("*",), at_most=0.1),
    )
)
verdict = judge(policy, report)
print(*lines(verdict, report, None), sep="\n")

# %% [markdown]
# ## To pass it on

# %%
(run / "report.html").write_bytes(render("html", report).encode())
report.verdict, verdict.result, sorted(file.name for file in run.iterdir())
