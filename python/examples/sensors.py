"""Faults of a pump from its sensors: learn from usual rows, flag with a known rate of false alarms, and say which sensor it was."""

import numpy as np

from enkoder import AnomalyDetector, datasets

usual = datasets.pump(20_000)
detector = AnomalyDetector(false_alarm=0.01).fit(usual.data)
print(detector.guarantee_)

new = datasets.pump(2_000, faults=True, seed=1)
is_fault = new.target > 0
flagged = detector.predict(new.data) == -1
print(f"false alarms: {np.mean(flagged[~is_fault]):.3f}, faults found: {np.mean(flagged[is_fault]):.2f}")
assert np.mean(flagged[is_fault]) > 5 * np.mean(flagged[~is_fault])

oddest = int(np.argmin(detector.score_samples(new.data)))
for reason in detector.explain(new.data, rows=[oddest])[0]:
    print(f"row {oddest}: {reason}")
