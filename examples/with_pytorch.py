"""An LSTM of the first layer on windows of weather, and its score card."""

import torch
from torch.utils.data import DataLoader

import somobench
from somobench.windows import open_windows

split = {"release": "virtual-2.0.0", "split": "temporal"}
torch.manual_seed(1)
train = open_windows("forcing", **split, layer=1, length=120)
lstm = torch.nn.LSTM(len(train.inputs), 32, batch_first=True)
head = torch.nn.Linear(32, 1)
optimizer = torch.optim.Adam([*lstm.parameters(), *head.parameters()], lr=3e-3)
dataset = train.torch_dataset(256, sampler="uniform", seed=1, epochs=3)
for batch in DataLoader(dataset, batch_size=None):
    predicted = head(lstm(batch.inputs)[0][:, -1])[:, 0]
    loss = (batch.weight * (predicted - batch.target) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
test = open_windows("forcing", **split, layer=1, length=120, role="test")
with torch.no_grad():
    batches = DataLoader(test.torch_dataset(sampler="sequential"), batch_size=None)
    values = torch.cat([head(lstm(each.inputs)[0][:, -1])[:, 0] for each in batches])
predictions = test.to_predictions(values)
score = somobench.evaluate(predictions, **split, name="lstm", allow_missing=True)
score.write("pytorch_card", overwrite=True)
