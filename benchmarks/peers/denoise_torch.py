"""The default denoiser in PyTorch with fused Adam, eager or compiled, either memory format. pip install torch numpy"""

import shared

args = shared.arguments()
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

CHANNELS, DEPTH, PATCH, PATCHES, SIDE = 48, 8, 40, 4096, 1024

torch.set_num_threads(args.threads)
torch.manual_seed(0)
layout = torch.channels_last if args.channels_last else torch.contiguous_format
inner = [
    part
    for _ in range(DEPTH - 2)
    for part in (nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), nn.BatchNorm2d(CHANNELS), nn.ReLU())
]
layers = nn.Sequential(nn.Conv2d(4, CHANNELS, 3, padding=1), nn.ReLU(), *inner, nn.Conv2d(CHANNELS, 4, 3, padding=1))
layers = layers.to(memory_format=layout)


def model(x):
    return x - F.pixel_shuffle(layers(F.pixel_unshuffle(x, 2).contiguous(memory_format=layout)), 2)


def loss(x):
    return F.mse_loss(model(x + torch.randn_like(x) * (25 / 255)), x)


if args.compile:
    loss = torch.compile(loss)
image = torch.rand(1, 1, SIDE, SIDE)
optimizer = torch.optim.Adam(layers.parameters(), lr=1e-3, fused=True)
patches = torch.rand(PATCHES, 1, PATCH, PATCH)
epochs = shared.Epochs()
for _ in range(args.epochs):
    epochs.start()
    for batch in patches[torch.randperm(PATCHES)].split(args.batch):
        optimizer.zero_grad()
        loss(batch).backward()
        optimizer.step()
    epochs.stop()
layers.eval()
parts = list(layers)
for at in reversed([at for at, part in enumerate(parts) if isinstance(part, nn.BatchNorm2d)]):
    parts[at - 1 : at + 1] = [fuse_conv_bn_eval(parts[at - 1], parts[at])]
layers = nn.Sequential(*parts)
if args.compile:
    model = torch.compile(model)
with torch.inference_mode():
    pixels = shared.rate(SIDE * SIDE, lambda: model(image))
shared.emit(
    tool=f"torch {torch.__version__}{' channels last' * args.channels_last}{' compiled' * args.compile}", batch=args.batch,
    patches_per_second=round(epochs.rate(PATCHES)), pixels_per_second=pixels,
)
