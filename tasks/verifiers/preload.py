"""What the fork server does once, so that no worker has to; for import only.

The first parse builds the tables of math-verify's grammar: 0.4 CPU seconds that would otherwise
count against the deadline of each new worker's first pair.
"""

from thoughtmill.tasks.verifiers.symbolic import Symbolic
from thoughtmill.tasks.verifiers.verifier import Evidence

for _gold, _answer in (
    (r"\int_0^1 \frac{x}{\sqrt{2}} dx", r"\frac{\sqrt{2}}{4}"),
    (r"x + y^2 \le 3", r"y^2 \le 3 - x"),
):
    Symbolic().opinion(Evidence(_gold, _answer))
