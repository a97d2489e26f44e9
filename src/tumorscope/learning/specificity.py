"""The specificity of each epoch, which Keras has no metric of."""

import keras

# A decision while training: the operating point is chosen once the weights are.
TRAINING_THRESHOLD = 0.5


@keras.saving.register_keras_serializable("tumorscope")
class Specificity(keras.metrics.Metric):
    """Share of the slices without a tumor that score under the threshold."""

    def __init__(self, name: str = "specificity", **settings) -> None:
        super().__init__(name=name, **settings)
        self.negatives = self.add_weight(name="negatives", initializer="zeros")
        self.true_negatives = self.add_weight(name="true_negatives", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Count a batch; weights are ignored, since a share of slices is asked for."""
        negative = keras.ops.cast(keras.ops.less(y_true, 0.5), self.dtype)
        below = keras.ops.cast(keras.ops.less(y_pred, TRAINING_THRESHOLD), self.dtype)
        self.negatives.assign_add(keras.ops.sum(negative))
        self.true_negatives.assign_add(keras.ops.sum(negative * below))

    def result(self):
        """The share so far; 0 before the first negative."""
        return self.true_negatives / keras.ops.maximum(self.negatives, 1)
