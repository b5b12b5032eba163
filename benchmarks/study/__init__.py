"""What studies compare poseharvest with and measure it by; the package itself does without.

`baselines` are other ways to a pose from the same heatmaps, two of them in files of their own: `double_counting`, the
fault of the authors' demo, and `max_product`, the most probable pose. `combination` joins several doubts into one, and
`blobs` measures what heatmaps look like. The scripts beside this folder import it; its tests are in tests/benchmarks.
"""
