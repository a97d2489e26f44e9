"""TumorScope finds brain tumors in MRI slices: honest training, tracking and serving."""
