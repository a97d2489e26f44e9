"""Server (b): what is usually written around a Keras network, FastAPI and `model.predict`.

It gets the same base64 files as TumorScope, stretches them to the network's input, and answers
the score. uvicorn keras_app:app; the network's file stands in the environment's NETWORK.
"""

import base64
import os

import cv2
import keras
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
network = keras.saving.load_model(os.environ["NETWORK"])


class Question(BaseModel):
    image: str


@app.post("/invocations")
def predict(question: Question) -> dict:
    data = np.frombuffer(base64.b64decode(question.image), np.uint8)
    gray = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    pixels = cv2.resize(gray, network.input_shape[1:3]).astype(np.float32) / 255
    score = network.predict(pixels[np.newaxis, :, :, np.newaxis], verbose=0)
    return {"score": float(score[0, 0])}
