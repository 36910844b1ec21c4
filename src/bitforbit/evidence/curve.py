"""A picture of the loss over the epochs."""

from pathlib import Path


def write(path: Path, epochs: list[dict], title: str) -> None:
    """Write a PNG of training and held-out loss.

    Args:
        path: target file.
        epochs: as in `result.json`: dicts with `epoch` and `logs`.
        title: stands above the picture.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    numbers = [entry["epoch"] for entry in epochs]
    for name, label in (("loss", "training"), ("val_loss", "held out")):
        if epochs and name in epochs[0]["logs"]:
            axes.plot(numbers, [entry["logs"][name] for entry in epochs], label=label)
    axes.set(xlabel="epoch", ylabel="loss", title=title)
    if epochs:
        axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, metadata={"Software": None})
