"""The bundle that comes with the package: the compact network, pretrained on phantoms alone.

No slice of a patient was learned from. `pretraining.json` holds its settings, the number of
phantoms and the figures on phantoms; `python -m tumorscope pretrain --out src/tumorscope/shipped`
makes the bundle again.
"""

from pathlib import Path

SHIPPED = "shipped"
BUNDLE = Path(__file__).parent
