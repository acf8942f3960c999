"""Keras `fit` on TensorFlow, as its examples write it. pip install tensorflow-cpu keras"""

import shared

args = shared.arguments()
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(args.threads)
tf.config.threading.set_inter_op_parallelism_threads(args.threads)

images, _ = shared.digits()
dense = keras.layers.Dense
model = keras.Sequential([
    keras.Input((784,)),
    dense(128, "relu"), dense(64, "relu"), dense(10),
    dense(64, "relu"), dense(128, "relu"), dense(784, "sigmoid"),
])
model.compile(optimizer=keras.optimizers.Adam(2e-3), loss="mse")
epochs = shared.Epochs()
model.fit(images, images, batch_size=args.batch, epochs=args.epochs, verbose=0, callbacks=[epochs.callback(keras)])
epochs.report(f"keras {keras.__version__}", args, len(images))
