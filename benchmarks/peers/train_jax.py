"""JAX and optax: a whole epoch as one jitted scan, parameters donated. pip install jax optax"""

import shared

args = shared.arguments()
import functools
import os

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import optax

images, _ = shared.digits()
images = jnp.asarray(images)
count, batches = len(images), len(images) // args.batch

widths = [784, 128, 64, 10, 64, 128, 784]
keys = jax.random.split(jax.random.PRNGKey(0), len(widths))
initial = jax.nn.initializers.glorot_uniform()
parameters = [
    (initial(key, (inputs, outputs)), jnp.zeros(outputs)) for key, inputs, outputs in zip(keys, widths, widths[1:])
]
optimizer = optax.adam(2e-3)
state = optimizer.init(parameters)


def loss(parameters, x):
    y = x
    for index, (weight, bias) in enumerate(parameters):
        y = y @ weight + bias
        if index in (0, 1, 3, 4):
            y = jax.nn.relu(y)
    return jnp.mean((jax.nn.sigmoid(y) - x) ** 2)


def step(carry, x):
    parameters, state = carry
    value, gradient = jax.value_and_grad(loss)(parameters, x)
    updates, state = optimizer.update(gradient, state, parameters)
    return (optax.apply_updates(parameters, updates), state), value


@functools.partial(jax.jit, donate_argnums=(0, 1))
def epoch(parameters, state, key, images):
    order = jax.random.permutation(key, count)
    rows = order[: batches * args.batch].reshape(batches, args.batch)
    carry, _ = jax.lax.scan(lambda carry, row: step(carry, images[row]), (parameters, state), rows)
    if count > batches * args.batch:
        carry, _ = step(carry, images[order[batches * args.batch :]])
    return carry


epochs = shared.Epochs()
for key in jax.random.split(keys[-1], args.epochs):
    epochs.start()
    parameters, state = epoch(parameters, state, key, images)
    jax.block_until_ready(parameters)
    epochs.stop()
epochs.report(f"jax {jax.__version__}", args, count)
