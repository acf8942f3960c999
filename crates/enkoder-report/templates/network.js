"use strict";
/* The network of this page in plain JavaScript: one function for each kind of layer that the model format knows. Values lie as
   height × width × channels, channels last; NAME.weight and the other tensors lie as docs/model-format.md says. */

/** The bytes of base64. */
function bytesOf(text) {
  const binary = atob(text.trim());
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Numbers of 16 bits (IEEE 754 half precision, little-endian) as numbers of 32. */
function fromHalves(bytes) {
  const view = new DataView(bytes.buffer);
  const numbers = new Float32Array(bytes.length / 2);
  for (let i = 0; i < numbers.length; i++) {
    const bits = view.getUint16(2 * i, true);
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
    numbers[i] = bits & 0x8000 ? -size : size;
  }
  return numbers;
}

class Network {
  /** `model` describes nodes, shapes and scaling; `weights` are all parameters in one row. */
  constructor(model, weights) {
    Object.assign(this, model);
    this.features = sizeOf(this.shapes[0]);
    this.latent = sizeOf(this.shapes[this.code]);
    this.outputs = sizeOf(this.shapes[this.shapes.length - 1]);
    for (const node of this.nodes) {
      for (const [name, start, end] of node.tensors) node[name] = weights.subarray(start, end);
    }
  }

  /** A sample in its own units, as the network sees it; what is missing (NaN) becomes what stands for it. */
  scaled(sample) {
    const { offset, scale, fill } = this.scaler;
    return Float64Array.from(sample, (value, i) => Number.isNaN(value) ? at(fill, i) : (value - at(offset, i)) * at(scale, i));
  }

  /** The code of a sample. */
  encode(sample) {
    return this.run([this.scaled(sample)], this.code)[this.code];
  }

  /** What the network makes of a code, in the units of the data. */
  decode(code) {
    const values = [];
    values[this.code] = Float64Array.from(code);
    return this.unscaled(this.run(values, this.nodes.length)[this.nodes.length]);
  }

  /** The code of a sample, what is made of it, and the mean squared error over the values that are there, in scaled units. */
  reconstruct(sample) {
    const values = this.run([this.scaled(sample)], this.nodes.length);
    const [input, output] = [values[0], values[this.nodes.length]];
    let [sum, count] = [0, 0];
    const errors = new Float64Array(this.reconstructs ? input.length : 0);
    for (let i = 0; i < errors.length; i++) {
      if (Number.isNaN(sample[i])) continue;
      errors[i] = (input[i] - output[i]) ** 2;
      sum += errors[i];
      count++;
    }
    return { code: values[this.code], output: this.unscaled(output), errors, error: sum / count };
  }

  unscaled(output) {
    const { offset, scale } = this.outputScaler;
    return output.map((value, i) => value / at(scale, i) + at(offset, i));
  }

  /** Runs the nodes that are needed for value number `wanted` and are not there yet. */
  run(values, wanted) {
    for (const node of this.nodes) {
      if (node.writes > wanted || values[node.writes]) continue;
      const inputs = node.reads.map(value => values[value]);
      if (inputs.some(input => !input)) continue;
      const [from, to] = [node.reads.map(value => imageOf(this.shapes[value])), imageOf(this.shapes[node.writes])];
      const output = new Float64Array(to[0] * to[1] * to[2]);
      Network.layers[node.kind](node, inputs, output, from, to);
      const activation = Network.activations[node.activation];
      if (activation) for (let i = 0; i < output.length; i++) output[i] = activation(output[i]);
      values[node.writes] = output;
    }
    return values;
  }
}

const at = (numbers, i) => numbers.length === 1 ? numbers[0] : numbers[i];
const sizeOf = shape => shape.reduce((product, length) => product * length, 1);
const imageOf = shape => shape.length === 3 ? shape : shape.length === 2 ? [...shape, 1] : [1, 1, sizeOf(shape)];
/** A number for each axis: one for both, or height and width. */
const axes = (number, otherwise) => Array.isArray(number) ? number : [number ?? otherwise, number ?? otherwise];

Network.activations = {
  "relu": z => z > 0 ? z : 0,
  "leaky-relu": z => z > 0 ? z : 0.01 * z,
  "elu": z => z > 0 ? z : Math.expm1(z),
  "gelu": z => 0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3))),
  "gelu-erf": z => z * normalBelow(z),
  "silu": z => z / (1 + Math.exp(-z)),
  "tanh": Math.tanh,
  "sigmoid": z => 1 / (1 + Math.exp(-z)),
};

/** The part of a normal distribution below z: Abramowitz & Stegun 7.1.26. */
function normalBelow(z) {
  const t = 1 / (1 + 0.3275911 * Math.abs(z) * Math.SQRT1_2);
  const series = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592].reduce((sum, a) => (sum + a) * t, 0);
  const beyond = 0.5 * series * Math.exp(-0.5 * z * z);
  return z > 0 ? 1 - beyond : beyond;
}

/** Adds `value` times a row of weights, which begins at `start`, to the output from `to` on. */
function addRow(output, to, value, weight, start, count) {
  for (let o = 0; o < count; o++) output[to + o] += value * weight[start + o];
}

/** Calls `visit(small, large, place)` for each pixel of the small image and each pixel of its window on the large one. */
function eachWindow(node, [rows, columns], [height, width], visit) {
  const [kernelHeight, kernelWidth] = axes(node.kernel);
  const [down, across] = axes(node.stride, 1);
  const [top, left] = axes(node.padding, 0);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
    for (let ky = 0; ky < kernelHeight; ky++) {
      const y = r * down - top + ky;
      if (y < 0 || y >= height) continue;
      for (let kx = 0; kx < kernelWidth; kx++) {
        const x = c * across - left + kx;
        if (x >= 0 && x < width) visit(r * columns + c, y * width + x, ky * kernelWidth + kx);
      }
    }
  }
}

/** Calls `visit(small, large, block)` for each value of an image and the one of the image that is `factor` times smaller that covers it. */
function eachBlock(factor, [height, width], [, columns], channels, visit) {
  const [down, across] = axes(factor);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const pixel = Math.floor(y / down) * columns + Math.floor(x / across);
    const block = (y % down) * across + x % across;
    for (let c = 0; c < channels; c++) visit(pixel, (y * width + x) * channels + c, block, c);
  }
}

Network.layers = {
  dense(node, [input], output) {
    output.set(node.bias);
    for (let i = 0; i < input.length; i++) {
      if (input[i] !== 0) addRow(output, 0, input[i], node.weight, i * output.length, output.length);
    }
  },
  convolution(node, [input], output, [from], to) {
    const [inner, outer] = [from[2], to[2]];
    for (let pixel = 0; pixel < output.length; pixel += outer) output.set(node.bias, pixel);
    eachWindow(node, to, from, (small, large, place) => {
      for (let i = 0; i < inner; i++) {
        const value = input[large * inner + i];
        if (value !== 0) addRow(output, small * outer, value, node.weight, (place * inner + i) * outer, outer);
      }
    });
  },
  transposed_convolution(node, [input], output, [from], to) {
    const [inner, outer] = [from[2], to[2]];
    const [height, width] = axes(node.kernel);
    for (let pixel = 0; pixel < output.length; pixel += outer) output.set(node.bias, pixel);
    eachWindow(node, from, to, (small, large, place) => {
      for (let i = 0; i < inner; i++) {
        const value = input[small * inner + i];
        if (value !== 0) addRow(output, large * outer, value, node.weight, (i * height * width + place) * outer, outer);
      }
    });
  },
  upsample(node, [input], output, [from], to) {
    eachBlock(node.factor, to, from, to[2], (small, large, _, c) => { output[large] = input[small * to[2] + c]; });
  },
  pixel_unshuffle(node, [input], output, [from], to) {
    eachBlock(node.factor, from, to, from[2], (small, large, block, c) => {
      output[small * to[2] + block * from[2] + c] = input[large];
    });
  },
  pixel_shuffle(node, [input], output, [from], to) {
    eachBlock(node.factor, to, from, to[2], (small, large, block, c) => {
      output[large] = input[small * from[2] + block * to[2] + c];
    });
  },
  max_pool(node, [input], output, [from], to) {
    output.fill(-Infinity);
    eachBlock(node.size, from, to, to[2], (small, large, _, c) => {
      const place = small * to[2] + c;
      output[place] = Math.max(output[place], input[large]);
    });
  },
  average_pool(node, [input], output, [from], to) {
    const [height, width] = axes(node.size);
    eachBlock(node.size, from, to, to[2], (small, large, _, c) => { output[small * to[2] + c] += input[large] / (height * width); });
  },
  batch_norm(node, [input], output) {
    const channels = node.scale.length;
    for (let i = 0; i < output.length; i++) {
      const c = i % channels;
      output[i] = node.scale[c] * (input[i] - node.mean[c]) / Math.sqrt(node.variance[c] + 1e-5) + node.shift[c];
    }
  },
  reshape(node, [input], output) {
    output.set(input);
  },
  add(node, [input, other], output) {
    for (let i = 0; i < output.length; i++) output[i] = input[i] + other[i];
  },
  concat(node, [input, other], output, [from, beside], to) {
    for (let pixel = 0; pixel < to[0] * to[1]; pixel++) {
      output.set(input.subarray(pixel * from[2], (pixel + 1) * from[2]), pixel * to[2]);
      output.set(other.subarray(pixel * beside[2], (pixel + 1) * beside[2]), pixel * to[2] + from[2]);
    }
  },
  /** What the layers compute, taken from the sample. */
  subtract(node, [input, sample], output) {
    for (let i = 0; i < output.length; i++) output[i] = sample[i] - input[i];
  },
};
