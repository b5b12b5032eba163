"""What a harvest's own numbers say about it: cameras that disagree, limbs that are odd, joints that nobody sees.

Start reading in `diagnose`: a `Diagnosis` takes the records of a harvest as they are written and returns findings.

- `sampled_moments` keeps a bounded number of moments, spread over the take. `cross_check` compares each view with the
  others in them. `camera_findings` puts that into words, and `body_findings` what is odd about limbs and joints.
- `agreement` and `limbs` count everything, in the memory of `histogram`. `spread` and `wording` are their numbers in
  plain words. The report draws from these, too.

It reads annotations and cameras. It never looks at pictures, at files or at a true pose, and changes nothing.
"""

from poseharvest.diagnosis.diagnose import Diagnosis

__all__ = ["Diagnosis"]
