"""Prints what TensorBoard itself reads of event files: the oracle of src/tensorboard, where Python has tensorboard.

    python3 _tools/read_events.py out/tensorboard/qat
"""

import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1])
events.Reload()
for tag in events.Tags()["scalars"]:
    print(tag, [(event.step, event.value) for event in events.Scalars(tag)])
