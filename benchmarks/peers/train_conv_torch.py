"""PyTorch with fused Adam, eager or compiled, either memory format. pip install torch numpy"""

import shared

args = shared.arguments()
import torch
from torch import nn

torch.set_num_threads(args.threads)
torch.manual_seed(0)
images, _ = shared.digits()
images = torch.from_numpy(images).view(-1, 1, 28, 28)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 8, 3, 2, 1), nn.ReLU(),
    nn.Flatten(), nn.Linear(392, 10), nn.Linear(10, 392), nn.ReLU(), nn.Unflatten(1, (8, 7, 7)),
    nn.ConvTranspose2d(8, 16, 3, 2, 1, 1), nn.ReLU(), nn.ConvTranspose2d(16, 1, 3, 2, 1, 1), nn.Sigmoid(),
)
if args.channels_last:
    model, images = model.to(memory_format=torch.channels_last), images.contiguous(memory_format=torch.channels_last)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
loss_of = torch.compile(lambda x: nn.functional.mse_loss(model(x), x)) if args.compile else (
    lambda x: nn.functional.mse_loss(model(x), x)
)
epochs = shared.Epochs()
for _ in range(args.epochs):
    epochs.start()
    order = torch.randperm(len(images))
    for first in range(0, len(images), args.batch):
        batch = images[order[first : first + args.batch]]
        if args.channels_last:
            batch = batch.contiguous(memory_format=torch.channels_last)
        optimizer.zero_grad()
        loss = loss_of(batch)
        loss.backward()
        optimizer.step()
    epochs.stop()
epochs.report(f"torch {torch.__version__}{' channels last' * args.channels_last}{' compiled' * args.compile}", args, len(images))
