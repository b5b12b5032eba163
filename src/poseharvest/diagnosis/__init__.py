"""What a harvest's own numbers say about it: cameras that disagree, limbs that are odd, joints that nobody sees.

Start reading in `diagnose.py`: a `Diagnosis` takes the records of a harvest as they are written and returns findings.

- `moments.py` keeps a bounded number of moments, spread over the take; `cross_check.py` compares each view with the
  others in them; `cameras.py` puts that into words, `body.py` what is odd about limbs and joints.
- `agreement.py` and `limbs.py` count everything, in the memory of `histogram.py`; `spread.py` and `wording.py` are
  their numbers in plain words. The report draws from these, too.

This room reads annotations and cameras. It never looks at pictures, at files or at a true pose, and changes nothing.
"""
