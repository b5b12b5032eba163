"""Findings from the numbers of a harvest: cameras that disagree, unusual limb lengths, joints out of view.

Start reading in `diagnose`: a `Diagnosis` takes the records of a harvest, once all are there, and returns findings.

- `sampled_moments` keeps a limited number of moments from the whole recording. In them, `cross_check` compares each
  view with the others. `camera_findings` writes findings about cameras, and `body_findings` about limbs and joints.
- `agreement` and `limbs` use all moments, in the fixed memory of `histogram`. `spread` and `wording` describe their
  numbers in words. The report also uses these files.
- `view_stretches` looks for parts of the take in which a view stands still or shows nobody.
- `verdict` sums all of it up in one line, for the report and for the terminal.

The package reads annotations and cameras. It uses no pictures, no files and no true poses, and it changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.diagnosis.diagnose import Diagnosis
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["Diagnosis"]
