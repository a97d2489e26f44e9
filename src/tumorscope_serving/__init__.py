"""What travels inside every logged TumorScope model: slices in, answers out.

It needs numpy, OpenCV, Pillow, pydicom, nibabel, pandas and ONNX Runtime; no MLflow and no
TensorFlow.
"""
