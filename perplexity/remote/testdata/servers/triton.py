"""Runs the exported graph in Triton's Python backend: the same repository where the server at hand lacks the ONNX Runtime backend."""
import os

import numpy
import onnxruntime
import triton_python_backend_utils as utils


class TritonPythonModel:
    def initialize(self, args):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = os.path.join(args["model_repository"], args["model_version"], "model.onnx")
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.names = [i.name for i in self.session.get_inputs()]

    def execute(self, requests):
        rows = [[utils.get_input_tensor_by_name(r, name).as_numpy() for name in self.names] for r in requests]
        # The server's batcher hands over requests whose rows have one length: one run for all of them.
        inputs = {name: numpy.concatenate([row[i] for row in rows]) for i, name in enumerate(self.names)}
        losses = self.session.run(["losses"], inputs)[0]
        answers, at = [], 0
        for row in rows:
            n = len(row[0])
            answers.append(utils.InferenceResponse([utils.Tensor("losses", losses[at:at + n])]))
            at += n
        return answers
