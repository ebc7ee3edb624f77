"""Runs the exported graph in MLServer."""
import numpy
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Served(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.settings.parameters.uri, options, providers=["CPUExecutionProvider"])
        return True

    async def predict(self, payload):
        inputs = {i.name: NumpyCodec.decode_input(i).astype(numpy.int64) for i in payload.inputs}
        losses = self.session.run(["losses"], inputs)[0]
        return InferenceResponse(id=payload.id, model_name=self.name, outputs=[NumpyCodec.encode_output("losses", losses)])
