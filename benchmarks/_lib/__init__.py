"""What the benchmark scripts share: data, tasks, baselines, measuring and reports."""
