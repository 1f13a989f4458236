"""The first musicnn network in Keras, layer by layer as published: what the graph is held to."""

import numpy as np

EPSILON = 1e-3


def build(weights):
    """A Keras model: patches `[n, 187, 96]` → tags `[n, 50]` and pooled channels `[n, 1506]`."""
    import keras
    from keras import layers

    def numbered(name, number):
        return f"{name}_{number}" if number else name

    def batch_norm(number):
        return layers.BatchNormalization(
            epsilon=EPSILON, name=numbered("batch_normalization", number)
        )

    def branch(number, x, padding="valid"):
        conv = numbered("conv2d", number)
        *size, _, filters = weights[f"{conv}/kernel"].shape
        x = layers.Conv2D(filters, size, padding=padding, activation="relu", name=conv)(x)
        x = batch_norm(number + 1)(x)
        x = layers.MaxPooling2D((1, x.shape[2]))(x)
        return layers.Reshape((187, filters))(x)

    def mid(number, y):
        y = layers.ZeroPadding1D(3)(y)
        y = layers.Conv1D(64, 7, activation="relu", name=numbered("conv2d", number))(y)
        return batch_norm(number + 1)(y)

    patches = keras.Input((187, 96))
    x = batch_norm(0)(layers.Reshape((187, 96, 1))(patches))
    padded = layers.ZeroPadding2D(((3, 3), (0, 0)))(x)
    front = layers.Concatenate()(
        [branch(0, padded), branch(1, padded), *(branch(n, x, "same") for n in (2, 3, 4))]
    )
    mid_1 = mid(5, front)
    mid_2 = layers.Add()([mid(6, mid_1), mid_1])
    mid_3 = layers.Add()([mid(7, mid_2), mid_2])
    channels = layers.Concatenate()([front, mid_1, mid_2, mid_3])
    width = channels.shape[2]
    pools = [
        layers.Reshape((width, 1))(pool()(channels))
        for pool in (layers.GlobalMaxPooling1D, layers.GlobalAveragePooling1D)
    ]
    pooled = layers.Flatten()(layers.Concatenate()(pools))
    y = layers.Dense(200, activation="relu", name="dense")(batch_norm(9)(pooled))
    tags = layers.Dense(50, activation="sigmoid", name="dense_1")(batch_norm(10)(y))
    model = keras.Model(patches, [tags, pooled])
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(
                [
                    np.reshape(weights[f"{layer.name}/{variable.name}"], variable.shape)
                    for variable in layer.weights
                ]
            )
    return model
