"""Keras `fit` on TensorFlow with the convolutional network. pip install tensorflow-cpu keras"""

import shared

args = shared.arguments()
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(args.threads)
tf.config.threading.set_inter_op_parallelism_threads(args.threads)

images = shared.digits()[0].reshape(-1, 28, 28, 1)
layers = keras.layers
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(16, 3, 2, "same", activation="relu"), layers.Conv2D(8, 3, 2, "same", activation="relu"),
    layers.Flatten(), layers.Dense(10), layers.Dense(392, "relu"), layers.Reshape((7, 7, 8)),
    layers.Conv2DTranspose(16, 3, 2, "same", activation="relu"), layers.Conv2DTranspose(1, 3, 2, "same", activation="sigmoid"),
])
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
epochs = shared.Epochs()
model.fit(images, images, batch_size=args.batch, epochs=args.epochs, verbose=0, callbacks=[epochs.callback(keras)])
epochs.report(f"keras {keras.__version__}", args, len(images))
