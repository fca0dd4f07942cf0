"""What the workers tell of themselves, in Prometheus' words: one series per figure and worker, dropped with the worker.

Workers have no port; their figures come with their news. A new process under an old name goes on where the last one ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from jobs.figures import Figure

PREFIX = "brandfarm_worker_"

HELP = {
    Figure.STEPS: "Steps of trainings done; a fused step counts once for each training in it.",
    Figure.FUSED_STEPS: "Steps of the bank done, each for one or more trainings.",
    Figure.IMAGES: "Images drawn.",
    Figure.BATCHES: "Batches of images drawn.",
    Figure.PADDED_IMAGES: "Places of batches that were drawn for nobody.",
    Figure.DUPLICATE_RECORDS: "Results that another had recorded first: work done twice.",
    Figure.BUSY_SECONDS: "Seconds with something to do.",
    Figure.TRAINING_SECONDS: "Seconds of steps, samples, checkpoints and preparations of trainings.",
    Figure.DRAWING_SECONDS: "Seconds of turns that drew campaign images and sheets.",
    Figure.INTAKE_SECONDS: "Seconds of turns that took pictures in.",
    Figure.LOADING_SECONDS: "Seconds of fetching and loading base models.",
    Figure.ENCODING_SECONDS: "Seconds of encoding images, summed over threads.",
    Figure.STORE_SECONDS: "Seconds of waiting for the store, summed over threads.",
    Figure.ROWS_IN_USE: "Trainings held.",
    Figure.ROWS_FREE: "Trainings that it could still take.",
    Figure.CHUNKS_HELD: "Chunks held.",
    Figure.DEVICE_MEMORY: "Bytes of the device's memory in use by this process.",
}


@dataclass
class _Told:
    """What one worker said last, and what earlier processes of its name had come to."""

    incarnation: str
    figures: dict[Figure, float] = field(default_factory=dict)
    earlier: dict[Figure, float] = field(default_factory=dict)


class WorkerFigures(Collector):
    """The figures of the workers that are there."""

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}

    def told(self, worker: str, incarnation: str, figures: Mapping[str, float]) -> None:
        """A worker's figures so far. Names of another release are let be."""
        known = self._told.setdefault(worker, _Told(incarnation))
        now = {figure: figures[figure.value] for figure in Figure if figure.value in figures}
        for figure in [one for one in known.figures if one.only_grows]:
            began_anew = known.incarnation != incarnation or now.get(figure, 0.0) < known.figures[figure]
            if began_anew:  # a bench that broke is built anew in the same process, too
                known.earlier[figure] = known.earlier.get(figure, 0.0) + known.figures[figure]
        known.incarnation, known.figures = incarnation, now

    def gone(self, worker: str) -> None:
        """A worker is no more, and neither are its series."""
        self._told.pop(worker, None)

    def collect(self) -> Iterator[Metric]:
        for figure in Figure:
            family = _family(figure)
            for worker, told in sorted(self._told.items()):
                if figure in told.figures:
                    family.add_metric([worker], told.figures[figure] + told.earlier.get(figure, 0.0))
            yield family


def _family(figure: Figure) -> CounterMetricFamily | GaugeMetricFamily:
    name, labels = PREFIX + figure.value, ["worker"]
    if figure.only_grows:
        return CounterMetricFamily(name, HELP[figure], labels=labels)
    return GaugeMetricFamily(name, HELP[figure], labels=labels)
