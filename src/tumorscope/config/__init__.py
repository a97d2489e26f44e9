"""Every setting, once: its default, its help text and its limits.

A config is a frozen dataclass and refuses values outside its limits when it is made. The command
line's options are made from these fields, and MLproject is held equal to them by a test.
"""

from tumorscope.config.asking import PredictionConfig, ScoringConfig
from tumorscope.config.auditing import AuditConfig
from tumorscope.config.judging import (
    EvaluationConfig,
    PromotionConfig,
    RollbackConfig,
)
from tumorscope.config.learning import (
    CrossValidationConfig,
    LearningConfig,
    PretrainingConfig,
    TrainingConfig,
)
from tumorscope.config.settings import (
    DISCLAIMER,
    check_limits,
    setting,
)
from tumorscope.config.slices import (
    ADDITIONS,
    AUTO,
    PHANTOM,
    PhantomConfig,
    PhantomsConfig,
    SlicesConfig,
)
from tumorscope.config.tuning import TuningConfig

__all__ = [
    "ADDITIONS",
    "AUTO",
    "AuditConfig",
    "CrossValidationConfig",
    "DISCLAIMER",
    "EvaluationConfig",
    "LearningConfig",
    "PHANTOM",
    "PhantomConfig",
    "PhantomsConfig",
    "PredictionConfig",
    "PretrainingConfig",
    "PromotionConfig",
    "RollbackConfig",
    "ScoringConfig",
    "SlicesConfig",
    "TrainingConfig",
    "TuningConfig",
    "check_limits",
    "setting",
]
