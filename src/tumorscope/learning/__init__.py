"""Arrays in, numbers out: data sets, splits, networks, training, evaluation, figures."""
