"""A release exported to NeuralHydrology; its LSTM trained, and scored."""

from neuralhydrology.evaluation.evaluate import start_evaluation
from neuralhydrology.training.train import start_training
from neuralhydrology.utils.config import Config

import somobench
from somobench.neuralhydrology import export_split, read_predictions

split = {"release": "virtual-2.0.0", "split": "temporal"}
data = export_split("cells", **split, layer=1)
model = {"model": "cudalstm", "head": "regression", "hidden_size": 16}
training = {"epochs": 1, "batch_size": 256, "optimizer": "Adam", "loss": "MSE"}
other = {"seq_length": 60, "predict_last_n": 1, "device": "cpu", "seed": 1}
names = {"experiment_name": "first", "run_dir": "runs", "learning_rate": {0: 0.005}}
config = Config(data | model | training | other | names)
start_training(config)
start_evaluation(cfg=config, run_dir=config.run_dir, epoch=1, period="test")
predictions = read_predictions(config.run_dir, layer=1)
score = somobench.evaluate(predictions, **split, name="lstm", allow_missing=True)
score.write("neuralhydrology_card", overwrite=True)
