"""What is looked for in executions beside failures: data races."""
