"""Checks exported files: onnx.checker with everything it knows, and onnxruntime beside what the model computes."""

import json
import pathlib
import sys

import numpy
import onnx
import onnxruntime

# Beside the largest number of an output, in scaled units.
TOLERANCE = 1e-5


def main(folder):
    cases = json.loads((folder / "cases.json").read_text())
    sessions = {}
    worst, wrong = 0.0, []
    for case in cases:
        path = folder / case["model"]
        if path not in sessions:
            onnx.checker.check_model(onnx.load(path), full_check=True)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.log_severity_level = 3
            sessions[path] = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
        session = sessions[path]
        (given,) = session.get_inputs()
        shape = [case["batch"], *given.shape[1:]]
        values = numpy.fromfile(folder / case["input"], numpy.float32).reshape(shape)
        if "threshold" in case:
            wrong += wrong_of_detector(folder, case, session.run(["score", "p_value", "flag"], {given.name: values}))
            continue
        names = [output["name"] for output in case["outputs"]]
        for output, found in zip(case["outputs"], session.run(names, {given.name: values})):
            expected = numpy.fromfile(folder / output["file"], numpy.float32).reshape(case["batch"], -1)
            difference = far(found.reshape(case["batch"], -1), expected, output["scale"])
            worst = max(worst, difference)
            if not difference <= TOLERANCE:
                wrong.append(f"{case['model']}, {case['batch']} rows, {output['name']}: {difference:.2e}")
    print(f"{len(sessions)} files, {len(cases)} batches: {len(wrong)} differ, by at most {worst:.2e}")
    print("\n".join(wrong[:20]))
    return 1 if wrong else 0


def wrong_of_detector(folder, case, found):
    """What differs of scores, p-values and flags. Where rows that were learned from are nearly equal, rounding may put a score beside the
    one of the same row here: such rows may be one in a thousand, and their flags must go with their scores."""
    score, p_value, flag = found
    expected = [numpy.fromfile(folder / output["file"], numpy.float32) for output in case["outputs"]]
    wrong = []
    for name, values, wanted in [("score", score, expected[0]), ("p_value", p_value, expected[1])]:
        if not numpy.array_equal(numpy.isnan(values), numpy.isnan(wanted)):
            wrong.append(f"{case['model']}: other rows have no {name}")
        apart = numpy.abs(values - wanted) > 1e-4 * numpy.maximum(1, numpy.abs(wanted))
        print(f"{case['model']}: {name} of {apart.sum()} of {len(values)} rows is apart, by at most "
              f"{numpy.nanmax(numpy.abs(values - wanted)):.2e}")
        if apart.sum() > len(values) / 1000:
            wrong.append(f"{case['model']}: {name} of {apart.sum()} rows")
    threshold = numpy.float32(case["threshold"])
    if not numpy.array_equal(flag, score >= threshold):
        wrong.append(f"{case['model']}: flags do not go with the scores")
    near = numpy.abs(expected[0] - threshold) <= 1e-4 * max(1, abs(threshold))
    differ = (flag != (expected[0] >= threshold)) & ~near
    print(f"{case['model']}: {flag.sum()} flagged, {differ.sum()} otherwise than here, {near.sum()} at the threshold")
    if differ.any():
        wrong.append(f"{case['model']}: {differ.sum()} flags")
    return wrong


def far(found, expected, scale):
    """How far numbers are apart beside the largest, in scaled units; infinite where only one is a number."""
    if not numpy.array_equal(numpy.isnan(found), numpy.isnan(expected)):
        return numpy.inf
    scale = numpy.abs(numpy.asarray(scale, numpy.float64))
    difference = numpy.abs(found.astype(numpy.float64) - expected) * scale
    largest = max(1.0, numpy.nanmax(numpy.abs(expected * scale), initial=0.0))
    return numpy.nanmax(difference, initial=0.0) / largest


sys.exit(main(pathlib.Path(sys.argv[1])))
