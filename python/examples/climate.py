"""Maps of a climate: stored within a bound that every value keeps, and each map as a few numbers."""

import numpy as np

from enkoder import Autoencoder, compress, datasets, decompress

maps = datasets.fields(200)
packed = compress(maps.images, "rel:1e-3")
back = decompress(packed)
span = float(np.ptp(maps.images))
error = float(np.max(np.abs(back - maps.images)))
print(f"{maps.images.nbytes:,} bytes as {len(bytes(packed)):,}, no value off by more than {error / span:.1e} of the range")
assert error <= 1e-3 * span

model = Autoencoder(architecture="linear", latent=8).fit(maps.data)
codes = model.transform(maps.data)
left = 1 - np.var(maps.data - model.inverse_transform(codes)) / np.var(maps.data)
print(f"{codes.shape[1]} numbers a map hold {100 * left:.1f} % of the variance")
assert left > 0.5
